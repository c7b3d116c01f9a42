"""Frames over a pipe: a length in four bytes, then that many bytes. Blocking; short reads and writes are completed.

Guaranteed: `receive` returns a complete frame or raises; a length beyond `most` is refused before anything is read.
"""

from __future__ import annotations

import os

MOST = 1 << 30

# Bound now: a candidate may replace the functions of the `os` module
_read, _write = os.read, os.write


class TooLong(ValueError):
    """A frame is longer than its reader accepts."""


def send(descriptor: int, data: bytes) -> None:
    """Write one frame. Raises OSError, BrokenPipeError if the reader has closed the pipe."""
    view = memoryview(len(data).to_bytes(4, "big") + data)
    while view:
        view = view[_write(descriptor, view) :]


def receive(descriptor: int, most: int = MOST) -> bytes:
    """Read one frame. Raises EOFError if the writer has closed the pipe, TooLong."""
    length = int.from_bytes(_exactly(descriptor, 4), "big")
    if length > most:
        raise TooLong(f"a frame of {length} bytes, where at most {most} are accepted")
    return _exactly(descriptor, length)


def _exactly(descriptor: int, count: int) -> bytes:
    parts = []
    while count:
        part = _read(descriptor, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
