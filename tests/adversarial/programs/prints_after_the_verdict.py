# {"tries": "right, then floods the output while it leaves", "right": ["passed", "output_limit"]}
import atexit
import os


def flood():
    while True:
        os.write(1, b"late " * 10_000)


atexit.register(flood)


def add(a, b):
    return a + b
