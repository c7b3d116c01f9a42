"""Frames over a pipe: a length of four bytes, then so many bytes. Blocking; short reads and writes are finished.

Guaranteed: a frame is whole, or EOFError; a length beyond `most` is refused before anything is read.
"""

from __future__ import annotations

import os

MOST = 1 << 30

# Taken now: a candidate may replace what the module holds, for reasons of its own
_read, _write = os.read, os.write


class TooLong(ValueError):
    """A frame beyond what its reader takes."""


def send(descriptor: int, data: bytes) -> None:
    """Write one frame. Raises OSError, BrokenPipeError when nobody reads."""
    view = memoryview(len(data).to_bytes(4, "big") + data)
    while view:
        view = view[_write(descriptor, view) :]


def receive(descriptor: int, most: int = MOST) -> bytes:
    """Read one frame. Raises EOFError when the other end is closed, TooLong."""
    length = int.from_bytes(_exactly(descriptor, 4), "big")
    if length > most:
        raise TooLong(f"a frame of {length} bytes where at most {most} are taken")
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
