# {"tries": "points the pipes at nothing, so that nobody hears an answer", "right": ["timeout", "exited"], "wall": 0.3}
import os

sink = os.open("/dev/null", os.O_RDWR)
for number in range(3, 16):
    if number != sink:
        os.dup2(sink, number)


def add(a, b):
    return a + b
