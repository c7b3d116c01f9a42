# {"tries": "one block beyond the limit", "right": ["memory"]}
def add(a, b):
    return len(bytearray(4 << 30))
