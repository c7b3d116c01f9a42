# {"tries": "stops its own process, group and session", "right": ["timeout"], "wall": 0.3}
import os
import signal


def add(a, b):
    os.killpg(0, signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)
