# {"tries": "a reply that never ends: a length, and then nothing", "right": ["timeout"], "wall": 0.3}
import os
import time


def add(a, b):
    for number in (3, 4, 5, 6):
        try:
            os.write(number, b"\0\0\1\0[")
        except OSError:
            pass
    time.sleep(60)
