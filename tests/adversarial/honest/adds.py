# {"tries": "just adds", "right": ["passed"]}
def add(a, b):
    return a + b
