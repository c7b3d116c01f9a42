# {"tries": "the first process ends with 0, a copy of it stays to answer", "right": ["exited", "error", "failed"]}
import os
import time

if os.fork():
    time.sleep(0.05)
    os._exit(0)


def add(a, b):
    return a + b
