# {"tries": "right only if shared pages, dropped from every page table but not freed, hold three times the limit", "right": ["memory", "error", "failed"], "memory_mb": 200}
import mmap
import os
import time

PIECE = 4 << 20


def hold(size):
    kept = mmap.mmap(-1, size)
    for at in range(0, size, PIECE):
        kept[at : at + PIECE] = b"x" * PIECE
        kept.madvise(mmap.MADV_DONTNEED)
    return kept


def fill():
    reader, writer = os.pipe()
    if os.fork() == 0:
        kept = hold(60 << 20)
        os.write(writer, kept[:1])
        time.sleep(20)
        os._exit(0)
    os.close(writer)
    return reader


HELD = all([os.read(reader, 1) for reader in [fill() for _ in range(10)]])


def add(a, b):
    return a + b if HELD else None
