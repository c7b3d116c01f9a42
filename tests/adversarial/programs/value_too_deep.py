# {"tries": "a list inside a list, a hundred thousand times", "right": ["error", "failed"]}
def add(a, b):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep
