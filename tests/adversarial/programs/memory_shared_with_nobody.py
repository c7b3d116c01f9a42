# {"tries": "right only if one process may keep shared pages, of which it maps but one page each, beyond its limit", "right": ["memory", "error", "failed"], "memory_mb": 200}
import ctypes
import mmap

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
SIZE = 32 << 20


def keep(flags, descriptor):
    at = LIBC.mmap(None, ctypes.c_size_t(SIZE), 3, flags, descriptor, ctypes.c_long(0))
    if at in (None, ctypes.c_void_p(-1).value):
        return False
    ctypes.memset(at, 1, SIZE)
    return LIBC.munmap(at + 4096, SIZE - 4096) == 0


HELD = all(keep(mmap.MAP_SHARED | mmap.MAP_ANONYMOUS, -1) for _ in range(20))


def add(a, b):
    return a + b if HELD else None
