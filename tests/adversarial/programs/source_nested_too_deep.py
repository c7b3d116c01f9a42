# {"tries": "an expression so deep that the compiler overruns its stack", "right": ["error", "compile_error", "memory", "signal"], "swap": {"@DEEP@": "-", "times": 300000}}
def add(a, b):
    return @DEEP@1
