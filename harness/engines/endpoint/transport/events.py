"""Server-sent events: from the bytes of a response to the data of its events, and to the first stop string in them."""

from __future__ import annotations

from collections.abc import Sequence


class EventSplitter:
    """Splits the bytes of one event stream, however they were cut on their way.

    Follows the WHATWG HTML standard, section 9.2.6, for `data` fields; comments and other fields are skipped.
    """

    def __init__(self) -> None:
        """Begin a stream."""
        self._rest = b""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[str]:
        """Return the data of the events that are complete now. Raises UnicodeDecodeError."""
        text = self._rest + chunk
        if b"\r" in text:
            # A carriage return at the end may be the first half of a line's end
            held = text.endswith(b"\r")
            text = (text[:-1] if held else text).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            text += b"\r" if held else b""
        *lines, self._rest = text.split(b"\n")
        return self._events(lines)

    def end(self) -> list[str]:
        """Return the data of a last event that no blank line followed. Raises UnicodeDecodeError."""
        lines = [self._rest.rstrip(b"\r"), b""]
        self._rest = b""
        return self._events(lines)

    def _events(self, lines: Sequence[bytes]) -> list[str]:
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6 if line[5:6] == b" " else 5 :].decode())
            elif not line and self._data:
                events.append("\n".join(self._data))
                self._data = []
        return events


class StopFinder:
    """Finds the first stop string in a text that comes in pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Empty strings never stop."""
        self._stops = tuple(stop for stop in stops if stop)
        self._longest = max(map(len, self._stops), default=0)
        self._tail = ""

    def found(self, piece: str) -> bool:
        """Whether a stop string is complete with this piece."""
        if not self._longest or not piece:
            return False
        text = self._tail + piece
        # What a stop string that is not complete yet may begin with
        self._tail = text[-(self._longest - 1) :] if self._longest > 1 else ""
        return any(stop in text for stop in self._stops)
