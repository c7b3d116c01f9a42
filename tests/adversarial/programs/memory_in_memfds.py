# {"tries": "right only if files in memory, mapped nowhere, hold three times the limit", "right": ["memory", "error", "failed", "signal"], "memory_mb": 200}
import os

BLOCK = b"x" * (1 << 20)
kept = []


def fill():
    try:
        kept.append(os.memfd_create(str(len(kept))))
        return all(os.write(kept[-1], BLOCK) for _ in range(4))
    except OSError:
        return False


HELD = all(fill() for _ in range(150))


def add(a, b):
    return a + b if HELD else None
