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
# Set by people and by CI; either would override the width of the terminal
SIZE_VARIABLES = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@dataclass(frozen=True)
class Seen:
    """What a command left on the terminal: exit code, every byte as text, and its lines without their colours."""

    code: int
    raw: str

    @property
    def lines(self) -> list[str]:
        """The lines as a reader sees them."""
        return STYLE.sub("", self.raw.replace("\r\n", "\n")).splitlines()

    @property
    def text(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines)


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
