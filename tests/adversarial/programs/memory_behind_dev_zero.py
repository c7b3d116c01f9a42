# {"tries": "the same through /dev/zero, which gives shared memory without saying so", "right": ["memory", "error", "failed"], "memory_mb": 200}
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
SIZE = 32 << 20
ZERO = os.open("/dev/zero", os.O_RDWR)


def keep():
    at = LIBC.mmap(None, ctypes.c_size_t(SIZE), 3, 1, ZERO, ctypes.c_long(0))
    if at in (None, ctypes.c_void_p(-1).value):
        return False
    ctypes.memset(at, 1, SIZE)
    return LIBC.munmap(at + 4096, SIZE - 4096) == 0


HELD = all(keep() for _ in range(20))


def add(a, b):
    return a + b if HELD else None
