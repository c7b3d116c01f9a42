# {"tries": "an open call that would take the tests as its argument", "right": ["error", "compile_error"]}
def add(a, b):
    return 0


print(
