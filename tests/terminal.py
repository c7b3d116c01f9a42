"""A command of `harness` in this process, with a pseudo-terminal of a given width as its three streams."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WIDTHS = (60, 80, 120, 200)
ROWS = 50
# What the terminal understands as a command: colours, cursor movement, and titles or links
STYLE = re.compile(r"\x1b\[[0-9;]*m")
TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+|\x1b")
# Set by people and by CI; either would override the width of the terminal
SIZE_VARIABLES = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "CI")


@dataclass(frozen=True)
class Seen:
    """What a command left on the terminal: exit code, every byte as text, and its lines without their colours."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """The lines as a reader sees them at the end, on a terminal so wide that it breaks none."""
        screen = Screen(10**6)
        screen.feed(self.raw)
        return screen.lines

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)


class Screen:
    """What a terminal shows of text and of the few commands that the harness and tqdm send; without colours.

    When its width changes, it breaks lines anew as most terminals do (`reflows`), or cuts them off as xterm does.
    """

    def __init__(self, width: int, *, reflows: bool = True) -> None:
        """An empty screen of any height."""
        self._width, self._reflows = width, reflows
        self._lines = [""]
        self._line = self._column = 0

    @property
    def lines(self) -> list[str]:
        """The rows, without the empty ones at the end."""
        rows = [row.rstrip() for line in self._lines for row in self._rows(line)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def feed(self, text: str) -> None:
        """Write to the terminal."""
        for found in TOKEN.finditer(text):
            self._obey(found)

    def resize(self, width: int) -> None:
        """Change the width."""
        if not self._reflows:
            before = [len(self._rows(line)) for line in self._lines[: self._line]]
            line = sum(before) + self._column // self._width
            self._column %= self._width
            self._lines = [row[:width] for one in self._lines for row in self._rows(one)]
            self._line = line
        self._width = width

    def _rows(self, line: str) -> list[str]:
        return [line[at : at + self._width] for at in range(0, len(line), self._width)] or [""]

    def _obey(self, found: re.Match[str]) -> None:
        text, command = found.group(), found.group(2)
        here = self._lines[self._line]
        if text == "\r":
            self._column -= self._column % self._width
        elif text == "\n":
            self._line += 1
            self._column = 0
            if self._line == len(self._lines):
                self._lines.append("")
        elif command == "J":
            self._lines = [*self._lines[: self._line], here[: self._column]]
        elif command == "K":
            self._lines[self._line] = "" if found.group(1) == "2" else here[: self._column]
        elif command == "A":
            self._line = max(0, self._line - int(found.group(1) or 1))
        elif command is None:
            padded = here.ljust(self._column)
            end = self._column + len(text)
            self._lines[self._line] = padded[: self._column] + text + padded[end:]
            self._column = end


def typed(words: Sequence[object], width: int, folder: Path) -> Seen:
    """Run `harness WORDS` in `folder` on a terminal of `width` columns."""
    from harness.cli.main import main

    code = 0
    before = (sys.argv, Path.cwd())
    sys.argv = ["harness", *map(str, words)]
    os.chdir(folder)
    pieces: list[bytes] = []
    try:
        with _terminal(width, pieces):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before[0]
        os.chdir(before[1])
    return Seen(code, b"".join(pieces).decode())


@contextmanager
def _terminal(width: int, pieces: list[bytes]) -> Iterator[None]:
    """Stdin, stdout and stderr are a new terminal; what is written to it is in `pieces` at the end."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
    reader = threading.Thread(target=_drain, args=(leader, pieces), daemon=True)
    reader.start()
    streams = (sys.stdin, sys.stdout, sys.stderr)
    saved = [os.dup(number) for number in range(3)]
    environment = {name: os.environ.pop(name) for name in SIZE_VARIABLES if name in os.environ}
    terminal_kind = os.environ.get("TERM")
    os.environ["TERM"] = "xterm-256color"
    for number in range(3):
        os.dup2(follower, number)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, copy in enumerate(saved):
            os.dup2(copy, number)
            os.close(copy)
        os.close(follower)
        reader.join()
        os.close(leader)
        os.environ.update(environment)
        if terminal_kind is None:
            del os.environ["TERM"]
        else:
            os.environ["TERM"] = terminal_kind


def _drain(leader: int, pieces: list[bytes]) -> None:
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            # Linux reports the end of a terminal as an error
            return
        if not piece:
            return
        pieces.append(piece)
