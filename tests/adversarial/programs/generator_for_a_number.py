# {"tries": "a generator that would go on for ever, instead of a number", "right": ["failed", "error"]}
def add(a, b):
    while True:
        yield a + b
