# {"tries": "coroutines, generators and queues, consumed by itself", "right": ["passed"]}
import asyncio
import itertools
import queue
import threading


async def later(x):
    await asyncio.sleep(0)
    return x


def naturals():
    yield from itertools.count()


def add(a, b):
    box = queue.Queue()
    threading.Thread(target=lambda: box.put(a)).start()

    async def both():
        return sum(await asyncio.gather(later(box.get()), later(b)))

    assert list(itertools.islice(naturals(), 3)) == [0, 1, 2]
    return asyncio.run(both())
