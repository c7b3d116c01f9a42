# {"tries": "opens a pipe in its folder that nobody will ever write to", "right": ["timeout"], "wall": 0.3}
import os


def add(a, b):
    os.mkfifo("queue")
    return int(open("queue").read())
