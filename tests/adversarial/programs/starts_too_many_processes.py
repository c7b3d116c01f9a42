# {"tries": "right only if more processes than the limit live at once, in groups and sessions of their own", "right": ["failed", "error"]}
import os
import time


def add(a, b):
    for _ in range(60):
        if os.fork() == 0:
            os.setsid()
            time.sleep(20)
            os._exit(0)
    return a + b
