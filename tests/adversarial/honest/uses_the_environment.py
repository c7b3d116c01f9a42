# {"tries": "reads and sets environment variables, time, locale, random numbers with a seed", "right": ["passed"]}
import os
import random
import time


def add(a, b):
    os.environ["ANSWER"] = str(a)
    assert os.environ.get("HOME") and os.getenv("NOT_THERE", "x") == "x" and os.popen("echo $ANSWER").read() == f"{a}\n"
    assert random.Random(1).random() == random.Random(1).random() and time.time() > 1e9
    return a + b
