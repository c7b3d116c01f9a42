# {"tries": "thirty lists that hold the one before twice: small in memory, a billion when written out", "right": ["error", "memory", "timeout", "failed"], "wall": 0.4}
def add(a, b):
    doubled = [1, 1]
    for _ in range(30):
        doubled = [doubled, doubled]
    return doubled
