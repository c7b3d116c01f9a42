# {"tries": "right only if files without a name hold more than the work folder may", "right": ["failed", "error", "signal"]}
import os


def add(a, b):
    written, kept = 0, []
    try:
        while written < 64 << 20:
            kept.append(os.open(".", os.O_TMPFILE | os.O_RDWR))
            written += os.write(kept[-1], b"x" * (1 << 20))
    except OSError:
        return None
    return a + b
