# {"tries": "constants and comprehensions that cost the compiler time and memory", "right": ["failed", "error", "compile_error", "memory", "timeout", "signal"], "wall": 1.0, "swap": {"@DEEP@": "[x for x in ", "times": 60}}
NUMBERS = ((((("a" * 4096,) * 256,) * 256,) * 256,) * 256,) * 256


def add(a, b):
    return @DEEP@[0]
