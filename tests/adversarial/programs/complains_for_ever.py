# {"tries": "endless lines on the error stream, from a child in a session of its own", "right": ["output_limit"]}
import os
import time


def add(a, b):
    if os.fork() == 0:
        os.setsid()
        while True:
            os.write(2, b"warning: nothing\n" * 1000)
    time.sleep(60)
