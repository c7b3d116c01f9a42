"""`harness`: the commands, and the one place where an error becomes a line on stderr and an exit code.

Exit codes: 0 done; 1 finished, but something is unscored or a gate failed; 2 the input is wrong; 3 the environment
failed; 130 interrupted (run the same command again to go on).
"""

from __future__ import annotations

import os
import sys

from harness.cli.interrupts import LINE, Interrupted, Interrupts
from harness.cli.optional_address import with_address
from harness.cli.screen import shown_streams
from harness.cli.status import StatusLine
from harness.errors import HarnessError, error_lines
from harness.report.visible import visible_line

# Commands that load a model, or score its answers
LONG = ("run", "rescore")
STARTING = "reading the configs"
QUIET = frozenset({"--quiet", "-q", "--help", "--version"})


def main() -> None:
    """Run the command line; never shows a traceback unless HARNESS_DEBUG is set."""
    with Interrupts(), shown_streams() as status:
        _announce(sys.argv[1:], status)
        _run()


def _announce(words: list[str], status: StatusLine) -> None:
    """Say at once what is being done, before anything slow is imported; of a quick command only if it takes longer."""
    if not words or not QUIET.isdisjoint(words):
        return
    command = words[0]
    if command not in LONG and not ("claim" in words and "--run" in words):
        status.show(f"harness {command} ...", stays=False, at_once=False)
    elif status.live:
        status.show(f"harness {command}: {STARTING}", stays=False)
    else:
        status.say_later(f"harness {command}: {STARTING}")


def _run() -> None:
    try:
        # Not before an interrupt has its handler: this takes a while on a cold disk
        from harness.cli.commands import app

        app(args=with_address(sys.argv[1:]), prog_name="harness")
    except Interrupted:
        print(LINE, file=sys.stderr)
        sys.exit(130)
    except HarnessError as error:
        if os.environ.get("HARNESS_DEBUG"):
            raise
        for line in error_lines(error):
            print(visible_line(f"harness: {line}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        # The edge of the command line: a user never reads a traceback
        if os.environ.get("HARNESS_DEBUG"):
            raise
        kind = type(error).__name__
        line = f"harness: internal error: {kind}: {error} (HARNESS_DEBUG=1 shows where)"
        print(visible_line(line), file=sys.stderr)
        sys.exit(3)
