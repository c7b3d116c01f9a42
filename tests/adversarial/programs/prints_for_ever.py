# {"tries": "output without an end and without a line break", "right": ["output_limit"]}
import os


def add(a, b):
    while True:
        os.write(1, b"\x1b[2Jx" * 10_000)
