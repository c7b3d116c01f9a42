"""The one way to the terminal: while a command runs, stdout and stderr show control characters instead of sending them.

Everything that prints goes through here (tables, progress, errors, click's own messages, libraries' warnings). The
project's own styles are written by a console of `console`, whose text is made visible before it is styled.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from harness.cli.status import StatusLine
from harness.report.visible import visible

if TYPE_CHECKING:
    from rich.console import Console


# What tqdm writes: to the line's beginning before a bar, and lines up and down by themselves
BAR_MOVE = re.compile(r"\r|\n*(?:\x1b\[A)+")


class Shown:
    """A text stream on which control characters are seen, and characters that it cannot encode are escaped."""

    def __init__(self, stream: TextIO, status: StatusLine) -> None:
        """`raw` is the stream itself, for a console that styles text; `status` gives way to what is written."""
        self.raw = stream
        self.status = status

    def write(self, text: str) -> int:
        """Write text; returns its length, as any stream does. A progress bar's own moves, and only these, pass."""
        move = BAR_MOVE.match(text) if self.raw.isatty() else None
        end = move.end() if move and (move.end() == len(text) or move.group() == "\r") else 0
        with self.status.aside(self.raw, text):
            self.raw.write(text[:end] + encodable(visible(text[end:]), self.raw))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several pieces of text."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self.raw, name)


def encodable(text: str, stream: TextIO) -> str:
    """The text as the stream's encoding can hold it."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


@contextmanager
def shown_streams() -> Iterator[StatusLine]:
    """Put both streams behind `Shown` while a command runs; yield the status line on stderr."""
    before = (sys.stdout, sys.stderr)
    status = StatusLine(sys.stderr)
    sys.stdout, sys.stderr = (Shown(stream, status) for stream in before)
    try:
        yield status
    finally:
        status.close()
        sys.stdout, sys.stderr = before


def status_line() -> StatusLine:
    """The status line of the command that runs; outside of one, a line that nothing else gives way to."""
    return sys.stderr.status if isinstance(sys.stderr, Shown) else StatusLine(sys.stderr)


def console(*, errors: bool = False) -> Console:
    """Return a console on stdout (or stderr) for text that is visible already. The status line is taken away."""
    from rich.console import Console

    status_line().clear()
    stream = sys.stderr if errors else sys.stdout
    return Console(file=getattr(stream, "raw", stream))
