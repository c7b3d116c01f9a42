# {"tries": "busy for a third of its time, with big numbers and much memory", "right": ["passed"]}
import math
import time

while time.process_time() < 0.6:
    math.factorial(2000)
BLOCK = [0] * 20_000_000


def add(a, b):
    return a + b + BLOCK[7] + 2**4000 % 2
