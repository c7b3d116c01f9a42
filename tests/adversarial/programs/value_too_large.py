# {"tries": "an answer of a hundred megabytes", "right": ["error", "memory", "failed"]}
def add(a, b):
    return "3" * (100 << 20)
