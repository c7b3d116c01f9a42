# {"tries": "a long list and a deep one, compared whole", "right": ["passed"], "tests": "got = add(3, 4)\nassert got[0] == list(range(200_000)) and len(got[1]) == 1\ndeep = got[1]\nfor _ in range(400):\n    (deep,) = deep\nassert deep == 7 and got[2] == {(1, 2): {3, 4}, 'x': None}"}
def add(a, b):
    deep = a + b
    for _ in range(400):
        deep = [deep]
    return list(range(200_000)), deep, {(1, 2): {3, 4}, "x": None}
