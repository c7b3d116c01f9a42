"""Ctrl-C before there is a run to go on with: one line and exit code 130, whatever is being imported.

An interrupt in the middle of an import may be swallowed by the library, or end up in a callback where Python prints a
traceback and goes on. So it is raised under a name of its own, and the process ends soon after even if it is not passed
on. A run that has its folder takes interrupts itself (`leave_to_the_run`), since it has records to keep. So it does the
signals with which a batch system announces that time is up; before that they end the process, as nothing is lost.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType

LINE = "harness: interrupted; the same command begins anew or goes on where this one stopped"
# For closing what was opened; an import that swallowed the interrupt goes on for longer
GRACE_SECONDS = 3.0
# What batch systems and containers send before they kill
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name))


class Interrupted(BaseException):
    """Not a KeyboardInterrupt: those that libraries and the command line's own library catch."""


class Interrupts:
    """While it is entered, Ctrl-C ends the process."""

    def __init__(self) -> None:
        """Nothing is installed yet."""
        self._before: signal._HANDLER = None
        self._endings: dict[int, signal._HANDLER] = {}
        self._timer: threading.Timer | None = None
        self._hook = sys.unraisablehook

    def __enter__(self) -> Interrupts:
        """Take the signal over; only a process's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return self
        self._endings = {number: signal.getsignal(number) for number in ENDING}
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self._before = signal.signal(signal.SIGINT, self._interrupt)
            sys.unraisablehook = self._unraisable
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Put back what was there."""
        if self._timer is not None:
            self._timer.cancel()
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            sys.unraisablehook = self._hook
        for number, handler in self._endings.items():
            if signal.getsignal(number) is signal.default_int_handler:
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._timer is not None:
            _end()
        self._timer = threading.Timer(GRACE_SECONDS, _end)
        self._timer.daemon = True
        self._timer.start()
        raise Interrupted

    def _unraisable(self, args: sys.UnraisableHookArgs) -> None:
        """Ignore an interrupt that Python could not raise: the timer ends the process."""
        if not issubclass(args.exc_type, Interrupted | KeyboardInterrupt):
            self._hook(args)


def leave_to_the_run() -> None:
    """From here on Ctrl-C, SIGTERM and SIGUSR1 are a KeyboardInterrupt, which a run answers by marking its folder."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, *ENDING):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _end() -> None:
    print(LINE, file=sys.stderr, flush=True)
    os._exit(130)
