# {"tries": "an open branch that is never taken, for the tests to fall into", "right": ["error", "compile_error"]}
def add(a, b):
    return 0


if False:
