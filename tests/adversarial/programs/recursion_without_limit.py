# {"tries": "recursion with the limit taken away", "right": ["signal", "memory", "error"]}
import sys

sys.setrecursionlimit(1 << 30)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")


def add(a, b):
    return Deep().start
