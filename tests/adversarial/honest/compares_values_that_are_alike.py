# {"tries": "negative zero, not-a-number inside containers, empty things, large integers", "right": ["passed"], "tests": "import math\ngot = add(1, 2)\nassert got[0] == 0.0 and math.copysign(1, got[0]) == -1 and math.isnan(got[1]) and got[2:] == [[], (), '', {}, set(), None, 10**400, float('inf')]"}
def add(a, b):
    return [-0.0, float("nan"), [], (), "", {}, set(), None, 10**400, float("inf")]
