# {"tries": "turns protections of its own memory off, then takes a crash as an exit", "right": ["signal", "failed"]}
import ctypes
import os
import signal

ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x0040000, 0x0400000


def add(a, b):
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC)
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.string_at(8)
    os._exit(0)
