# {"tries": "a global function named like a built-in that the tests use", "right": ["failed", "error"]}
def abs(x):
    return 0.0


def add(a, b):
    return a + b if isinstance(a, int) else 99.0
