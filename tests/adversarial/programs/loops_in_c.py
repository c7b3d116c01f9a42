# {"tries": "one built-in call that never comes back to the interpreter", "right": ["timeout"], "wall": 0.3}
def add(a, b):
    return sum(range(10**15))
