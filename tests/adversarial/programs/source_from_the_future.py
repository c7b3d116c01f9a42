# {"tries": "flags from __future__ that would leak into the compiling of tests", "right": ["failed", "error"]}
from __future__ import annotations, barry_as_FLUFL


def add(a, b):
    return 0
