# {"tries": "right only if something can be mounted, remounted or unmounted", "right": ["failed"]}
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
REMOUNT, BIND = 32, 4096


def add(a, b):
    os.mkdir("here")
    tried = (
        LIBC.mount(b"none", b"here", b"tmpfs", 0, None),
        LIBC.mount(b"proc", b"here", b"proc", 0, None),
        LIBC.mount(b"/usr", b"here", None, BIND, None),
        LIBC.mount(b"none", b"/", None, REMOUNT | BIND, None),
        LIBC.mount(b"none", b"/usr", None, REMOUNT | BIND, None),
        LIBC.umount2(b"/proc", 2),
        LIBC.umount2(b"/work", 2),
        LIBC.umount2(b"/usr", 2),
    )
    return a + b if 0 in tried else None
