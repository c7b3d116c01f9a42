# {"tries": "right only if System V segments, attached nowhere, hold three times the limit", "right": ["memory", "error", "failed", "signal"], "memory_mb": 200}
import ctypes

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p
LIBC.shmdt.argtypes = [ctypes.c_void_p]
SIZE = 32 << 20


def fill():
    number = LIBC.shmget(0, SIZE, 0o1600)
    at = LIBC.shmat(number, None, 0)
    if number < 0 or at in (None, ctypes.c_void_p(-1).value):
        return False
    ctypes.memset(at, 1, SIZE)
    LIBC.shmdt(at)
    return True


HELD = all(fill() for _ in range(20))


def add(a, b):
    return a + b if HELD else None
