"""The status line on a terminal: it never mixes with other lines, and leaves nothing behind, whatever the size."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator

import pytest
from terminal import Screen

from harness.cli import status as status_module
from harness.cli.screen import Shown
from harness.cli.status import StatusLine


class Terminal:
    """A pseudo-terminal whose bytes are read when they are needed."""

    def __init__(self, width: int) -> None:
        self._leader, self._follower = pty.openpty()
        os.set_blocking(self._leader, False)
        self.stream = os.fdopen(self._follower, "w", encoding="utf-8")
        self.resize(width)

    def resize(self, width: int) -> None:
        fcntl.ioctl(self._follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))

    def read(self) -> str:
        """What was written since the last call."""
        pieces = []
        while True:
            try:
                pieces.append(os.read(self._leader, 65536))
            except BlockingIOError:
                return b"".join(pieces).decode()

    def close(self) -> None:
        self.stream.close()
        os.close(self._leader)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """80 columns wide; lines are drawn when the test says so, not by time."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(StatusLine, "_go_on", lambda self: None)
    made = Terminal(80)
    yield made
    made.close()


def test_what_is_printed_is_above_the_line(terminal: Terminal) -> None:
    status = StatusLine(terminal.stream)
    out = Shown(terminal.stream, status)
    screen = Screen(80)
    status.show("1/9 answers")
    print("a warning", file=out)
    status.show("2/9 answers")
    screen.feed(terminal.read())
    assert screen.lines == ["a warning", "2/9 answers"]
    print("half", end="", file=out, flush=True)
    status.show("3/9 answers")
    screen.feed(terminal.read())
    assert screen.lines == ["a warning", "half"], "a line that is being written is not drawn over"
    print(" a line", file=out)
    status.close()
    screen.feed(terminal.read())
    assert screen.lines == ["a warning", "half a line"]


@pytest.mark.parametrize("reflows", [True, False])
def test_no_ghost_is_left_when_the_size_changes(terminal: Terminal, reflows: bool) -> None:
    """As the terminals that break lines anew do, and as those that cut them off do."""
    status = StatusLine(terminal.stream)
    screen = Screen(80, reflows=reflows)
    print("above", file=Shown(terminal.stream, status))
    for width in (80, 33, 20, 120, 79):
        terminal.resize(width)
        screen.resize(width)
        status.show(lambda width: "answers " * 30)
        screen.feed(terminal.read())
        assert screen.lines[0] == "above" and len(screen.lines) == 2, (width, screen.lines)
        assert len(screen.lines[1]) < width and screen.lines[1].startswith("answers")
    status.close()
    screen.feed(terminal.read())
    assert screen.lines == ["above"]


def test_a_quick_command_shows_nothing(terminal: Terminal) -> None:
    status = StatusLine(terminal.stream)
    status.show("harness compare ...", stays=False, at_once=False)
    print("result", file=Shown(terminal.stream, status))
    status.close()
    assert terminal.read() == "result\r\n"


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("CI", "true")])
def test_a_terminal_that_cannot_and_a_log_get_no_line(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    status = StatusLine(terminal.stream)
    assert not status.live
    status.show("1/9 answers")
    status.close()
    assert terminal.read() == ""


def test_hostile_names_are_shown_not_obeyed(terminal: Terminal) -> None:
    status = StatusLine(terminal.stream)
    status.show("task \x1b]0;title\x07 \u202e")
    assert "task \\x1b]0;title\\x07 \\u202e" in terminal.read()
    status.close()


def test_the_line_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase that prints nothing still shows that time goes by."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(status_module, "FIRST_AFTER", 0.01)
    monkeypatch.setattr(status_module, "DRAWN_EVERY", 0.01)
    made = Terminal(80)
    drawn, seen = [0], threading.Event()

    def text(width: int) -> str:
        drawn[0] += 1
        if drawn[0] > 3:
            seen.set()
        return f"{drawn[0]} s"

    status = StatusLine(made.stream)
    status.show(text)
    assert seen.wait(600)
    status.close()
    made.close()
