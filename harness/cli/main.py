"""`harness`: the commands, and the one place where an error becomes a line on stderr and an exit code.

Exit codes: 0 done; 1 finished, but something is unscored or a gate failed; 2 the input is wrong; 3 the environment
failed; 130 interrupted (run the same command again to go on).
"""

from __future__ import annotations

import os
import sys

from harness.cli.interrupts import LINE, Interrupted, Interrupts
from harness.cli.screen import shown_streams
from harness.errors import HarnessError, error_lines
from harness.report.visible import visible_line


def main() -> None:
    """Run the command line; never shows a traceback unless HARNESS_DEBUG is set."""
    with Interrupts(), shown_streams():
        _run()


def _run() -> None:
    try:
        # Not before an interrupt has its handler: this takes a while on a cold disk
        from harness.cli.commands import app

        app()
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
