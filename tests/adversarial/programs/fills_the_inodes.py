# {"tries": "right only if twenty thousand empty files and links may exist", "right": ["failed", "error"]}
import os


def add(a, b):
    try:
        for name in range(20_000):
            os.symlink("x", f"@MARK@{name}")
    except OSError:
        return None
    return a + b
