# {"tries": "right only if the newer calls for mounting open, copy or move anything", "right": ["failed"]}
import ctypes

LIBC = ctypes.CDLL(None, use_errno=True)
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSPICK, MOUNT_SETATTR = 428, 429, 430, 433, 442


def add(a, b):
    attributes = (ctypes.c_uint64 * 4)(0, 1, 0, 0)
    tried = (
        LIBC.syscall(OPEN_TREE, -100, b"/", 1),
        LIBC.syscall(FSOPEN, b"tmpfs", 0),
        LIBC.syscall(FSPICK, -100, b"/", 0),
        LIBC.syscall(MOVE_MOUNT, -100, b"/work", -100, b"/usr", 0),
        LIBC.syscall(MOUNT_SETATTR, -100, b"/usr", 0, attributes, 32),
    )
    return a + b if any(got >= 0 for got in tried) else None
