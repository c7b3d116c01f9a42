# {"tries": "an object whose text recurses until the stack is gone", "right": ["failed", "error", "signal"]}
import sys

sys.setrecursionlimit(1 << 30)


class Mirror:
    def __repr__(self):
        return repr([self])

    __str__ = __repr__

    def __eq__(self, other):
        return repr(self) == repr(other)


def add(a, b):
    return Mirror()
