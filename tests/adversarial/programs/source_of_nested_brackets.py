# {"tries": "more open brackets than the parser allows", "right": ["error", "compile_error", "memory", "signal"], "swap": {"@DEEP@": "(", "times": 50000}}
x = @DEEP@
