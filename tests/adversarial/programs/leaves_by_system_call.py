# {"tries": "exit_group by number, past every hook of the interpreter", "right": ["exited"]}
import ctypes
import os

NUMBER = 94 if os.uname().machine == "aarch64" else 231


def add(a, b):
    ctypes.CDLL(None).syscall(NUMBER, 0)
