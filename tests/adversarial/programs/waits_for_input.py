# {"tries": "waits for somebody to type", "right": ["error"]}
def add(a, b):
    return int(input("a + b = "))
