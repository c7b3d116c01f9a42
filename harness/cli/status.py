"""The status line: the last line of a terminal, drawn again and again, and gone before anything else is printed.

It is no wider than the terminal and leaves the cursor at its beginning. When the size changes, some terminals cut the
line off and some break it in several; erasing from the cursor to the end of the screen removes all of it either way.
Without a terminal there is no status line; what is worth a line of its own is printed by its user.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from harness.report.visible import visible_line
from harness.report.wrapping import shortened

ERASE = "\r\x1b[J"
# How often the line is drawn: seconds and rates go on although nothing happens, and the terminal's size may change
DRAWN_EVERY = 0.25
# A command that is done sooner shows no status line, unless it does so at once
FIRST_AFTER = 0.4
# The first plain line of a command, where there is no status line
PLAIN_AFTER = 3.0
WIDTH = 80
# A longer line is harder to read, not fuller
WIDEST = 110


class StatusLine:
    """The status line on one stream. Safe to use from several threads; a forked process does not draw."""

    def __init__(self, stream: TextIO) -> None:
        """Nothing is drawn yet."""
        self.live = is_live(stream)
        self._stream = stream
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._text: Callable[[int], str] | None = None
        self._drawn: tuple[str, int] | None = None
        self._mid_line = self._stays = False
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._later: threading.Timer | None = None

    def show(self, text: str | Callable[[int], str], *, stays: bool = True, at_once: bool = True) -> None:
        """Show a line until `clear`; a function gets the width in cells each time that it is drawn.

        With `stays` false, it is gone for good when anything else is printed.
        """
        if not self.live or self._closed.is_set():
            return
        with self._lock:
            self._text = (lambda width: text) if isinstance(text, str) else text
            self._stays = stays
            if at_once:
                self._draw()
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on, name="status line", daemon=True)
                self._thread.start()

    def say_later(self, line: str) -> None:
        """Print a line where nothing else is printed within `PLAIN_AFTER` seconds, such as an early error."""
        if self._later is not None:
            self._later.cancel()
        self._later = threading.Timer(PLAIN_AFTER, self._send, [f"{line}\n"])
        self._later.daemon = True
        self._later.start()

    def clear(self) -> None:
        """Take the line away, and a later one with it."""
        if self._later is not None:
            self._later.cancel()
        if self.live and os.getpid() == self._process:
            with self._lock:
                self._text = None
                self._erase()

    def close(self) -> None:
        """Take it away and draw no more."""
        self._closed.set()
        self.clear()

    @contextmanager
    def aside(self, stream: TextIO, text: str) -> Iterator[None]:
        """While `text` is written to a stream of the same terminal, the status line is not there."""
        if self._later is not None:
            self._later.cancel()
        if not self.live or os.getpid() != self._process or not stream.isatty():
            yield
            return
        with self._lock:
            self._erase()
            if not self._stays:
                self._text = None
            yield
            if text:
                # A line, or another library's bar, that is still being written is not drawn over
                self._mid_line = not text.endswith(("\n", "\r"))
            if self._text is not None and not self._mid_line:
                stream.flush()
                self._draw()

    def _go_on(self) -> None:
        wait = FIRST_AFTER
        while not self._closed.wait(wait):
            wait = DRAWN_EVERY
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        if self._text is None or self._mid_line or self._closed.is_set():
            return
        columns = width_of(self._stream)
        width = min(columns - 1, WIDEST)
        line = shortened(visible_line(self._text(width)), width)
        if (line, columns) == self._drawn:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._send(f"{ERASE}{line.encode(encoding, 'backslashreplace').decode(encoding)}\r")
        self._drawn = (line, columns)

    def _erase(self) -> None:
        if self._drawn is not None:
            self._drawn = None
            self._send(ERASE)

    def _send(self, text: str) -> None:
        # A terminal or stream that was closed is no reason to end a run
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def is_live(stream: TextIO) -> bool:
    """Whether a line on this stream can be drawn again: a terminal that obeys, and no log of a CI service."""
    try:
        terminal = stream.isatty()
    except ValueError:
        return False
    return terminal and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def width_of(stream: TextIO) -> int:
    """Columns of the terminal now."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError):
        return WIDTH
