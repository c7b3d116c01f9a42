# {"tries": "right, and leaves named shared memory and semaphores behind", "right": ["passed"]}
import ctypes
import os

for library in (None, "libpthread.so.0", "librt.so.1"):
    try:
        ctypes.CDLL(library).sem_open(b"/@MARK@", os.O_CREAT, 0o666, 1)
        ctypes.CDLL(library).shm_open(b"/@MARK@-memory", os.O_CREAT | os.O_RDWR, 0o666)
    except (OSError, AttributeError):
        pass


def add(a, b):
    return a + b
