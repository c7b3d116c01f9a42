# {"tries": "right only if a sparse file may say that it is a terabyte", "right": ["failed", "error", "signal"]}
import os
import signal


def add(a, b):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("big", "wb") as file:
        try:
            os.ftruncate(file.fileno(), 1 << 40)
        except OSError:
            return None
    return a + b
