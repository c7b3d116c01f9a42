# {"tries": "right, and leaves a daemon: own session, no descriptors, no parent", "right": ["passed"]}
import os
import time


def add(a, b):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.closerange(0, 256)
            os.execv("/bin/sleep", ["sleep", "@MARK@"])
        os._exit(0)
    time.sleep(0.05)
    return a + b
