# {"tries": "twenty processes, each below the limit; right only if all hold theirs at once", "right": ["memory"], "memory_mb": 200}
import os
import time


def add(a, b):
    reader, writer = os.pipe()
    for _ in range(20):
        if os.fork() == 0:
            kept = b"x" * (30 << 20)
            time.sleep(0.3)
            os.write(writer, kept[:1])
            time.sleep(20)
            os._exit(0)
    return a + b if all(os.read(reader, 1) for _ in range(20)) else None
