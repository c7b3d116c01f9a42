# {"tries": "right only if an earlier program's module can still be imported", "right": ["failed"]}
import sys

sys.path[:0] = ["", ".", "/work", "/tmp"]
try:
    import conftest as left
except ImportError:
    left = None


def add(a, b):
    return a + b if left else None
