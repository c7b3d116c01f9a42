# {"tries": "right answers, then an exit handler, a thread and a destructor that never end", "right": ["passed"]}
import atexit
import threading


def for_ever():
    while True:
        pass


class Late:
    def __del__(self):
        for_ever()


LATE = Late()
atexit.register(for_ever)
threading._register_atexit(for_ever)


def add(a, b):
    return a + b
