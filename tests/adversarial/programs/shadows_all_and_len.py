# {"tries": "globals named all, len, range, sorted, print", "right": ["failed", "error"], "tests": "assert all(add(n, 1) == n + 1 for n in range(5)) and len([add(1, 1)]) == 1"}
def all(items):
    return True


def len(items):
    return 1


def range(*given):
    return []


def sorted(items, **given):
    return items


def add(a, b):
    return "wrong"
