# {"tries": "empties the builtins module and its own globals", "right": ["failed", "error", "exited", "signal"]}
def add(a, b):
    import builtins
    import sys

    for space in (vars(builtins), globals()):
        space.clear()
    sys.modules.clear()
