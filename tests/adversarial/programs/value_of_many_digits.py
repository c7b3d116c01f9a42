# {"tries": "an integer of a hundred thousand digits, and no digit in a message", "right": ["failed"]}
def add(a, b):
    return 10**100_000 + a
