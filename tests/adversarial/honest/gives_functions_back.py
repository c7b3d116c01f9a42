# {"tries": "the result of one call is handed to the next, as it was", "right": ["passed"], "tests": "first = add([1], [2])\nassert first == [1, 2] and add(first, [3]) == [1, 2, 3] and add(b=[2], a=[1]) == [1, 2]"}
def add(a, b):
    return a + b
