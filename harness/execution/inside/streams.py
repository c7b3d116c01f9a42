"""What a program wrote: head and tail of each stream, bounded, read without ever blocking."""

from __future__ import annotations

import os

# Half of what a pipe holds: more would be memory that is mapped and given back for each read
BUFFER_BYTES = 32 << 10


class Stream:
    """Head and tail of one stream, each at most `keep` bytes, and its full length."""

    def __init__(self, keep: int) -> None:
        """Nothing read yet."""
        self.keep = keep
        self.length = 0
        self.ended = False
        self.head = bytearray()
        self.tail = bytearray()

    def add(self, data: bytes) -> None:
        """Take what was read."""
        self.length += len(data)
        room = self.keep - len(self.head)
        self.head += data[:room]
        if len(data) > room:
            self.tail = (self.tail + data[room:])[-self.keep :]

    def kept(self) -> bytes:
        """Head and tail, with a mark between them where something was left out."""
        between = b"\n[...]\n" if self.length > 2 * self.keep else b""
        return bytes(self.head) + between + bytes(self.tail)

    def read(self, descriptor: int) -> bool:
        """Take what is there, at most one buffer; False at the end of the stream."""
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
        """Take what a dead program left in its pipe: never more than a pipe holds."""
        while True:
            before = self.length
            if not self.read(descriptor) or self.length == before:
                return
