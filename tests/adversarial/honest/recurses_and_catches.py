# {"tries": "recursion near the limit, and caught beyond it", "right": ["passed"]}
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def endless(n):
    return endless(n + 1)


def add(a, b):
    assert depth(950) == 950
    try:
        endless(0)
    except RecursionError:
        return a + b
