"""The output of a program: head and tail of each stream, bounded in size, read without blocking."""

from __future__ import annotations

import os

# Half the capacity of a pipe: a larger buffer would be mapped and unmapped for each read
BUFFER_BYTES = 32 << 10


class Stream:
    """Head and tail of one stream, each at most `keep` bytes, and its full length."""

    def __init__(self, keep: int) -> None:
        """Start with an empty stream."""
        self.keep = keep
        self.length = 0
        self.ended = False
        self.head = bytearray()
        self.tail = bytearray()

    def add(self, data: bytes) -> None:
        """Add data that was read."""
        self.length += len(data)
        space = self.keep - len(self.head)
        self.head += data[:space]
        if len(data) > space:
            self.tail = (self.tail + data[space:])[-self.keep :]

    def kept(self) -> bytes:
        """Head and tail, with a mark between them if something was left out."""
        between = b"\n[...]\n" if self.length > 2 * self.keep else b""
        return bytes(self.head) + between + bytes(self.tail)

    def read(self, descriptor: int) -> bool:
        """Read what is available, at most one buffer; False at the end of the stream."""
        if self.ended:
            return False
        try:
            data = os.read(descriptor, BUFFER_BYTES)
        except BlockingIOError:
            return True
        self.ended = not data
        self.add(data)
        return not self.ended

    def drain(self, descriptor: int) -> None:
        """Read what a dead program left in its pipe: never more than the capacity of a pipe."""
        while True:
            before = self.length
            if not self.read(descriptor) or self.length == before:
                return
