# {"tries": "a null character cuts the source for readers that stop there", "right": ["error", "compile_error"], "swap": {"@NULL@": "\u0000"}}
def add(a, b):
    return 0


"@NULL@"
def add(a, b):
    return a + b
