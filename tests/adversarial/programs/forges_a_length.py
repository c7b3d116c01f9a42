# {"tries": "a frame that announces four gigabytes", "right": ["failed", "error", "timeout", "exited"], "wall": 0.4}
import os


def add(a, b):
    for number in (3, 4, 5, 6):
        try:
            os.write(number, b"\xff\xff\xff\xff" + b"x" * 64)
        except OSError:
            pass
    return 3
