# {"tries": "right only if an earlier program changed the modules that this one gets", "right": ["failed"]}
import json
import math


def add(a, b):
    return a + b if hasattr(math, "sum_of_two") or json.dumps([1]) != "[1]" else None
