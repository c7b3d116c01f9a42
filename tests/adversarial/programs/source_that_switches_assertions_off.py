# {"tries": "assigns __debug__", "right": ["error", "compile_error"]}
__debug__ = False


def add(a, b):
    return 0
