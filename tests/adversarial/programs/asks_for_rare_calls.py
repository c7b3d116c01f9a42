# {"tries": "right only if a call for administrators does anything", "right": ["failed"]}
import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = {
    "reboot": (169, 0xFEE1DEAD, 672274793, 0, 0), "swapon": (167, b"x", 0), "sethostname": (170, b"x", 1),
    "iopl": (172, 3), "init_module": (175, b"", 0, b""), "acct": (163, b"x"), "settimeofday": (164, 0, 0),
    "syslog": (103, 10, 0, 0), "quotactl": (179, 0, 0, 0, 0), "kexec_load": (246, 0, 0, 0, 0),
    "fanotify_init": (300, 0, 0), "vhangup": (153,), "lookup_dcookie": (212, 0, 0, 0), "nfsservctl": (180, 0, 0, 0),
    "kcmp": (312, 1, 1, 0, 0, 0), "move_pages": (279, 1, 0, 0, 0, 0, 0), "pidfd_getfd": (438, 0, 0, 0),
    "process_madvise": (440, 0, 0, 0, 0, 0), "seccomp_notify": (317, 1, 8, 0),
}  # fmt: skip


def add(a, b):
    if os.uname().machine != "x86_64":
        return None
    done = [name for name, (number, *given) in X86.items() if LIBC.syscall(number, *given) >= 0]
    print(done)
    return a + b if done else None
