"""`harness`: the commands, and the one place where an error becomes a line on stderr and an exit code.

Exit codes: 0 done; 1 finished, but something is unscored or a gate failed; 2 the input is wrong; 3 the environment
failed; 130 interrupted (run the same command again to go on).
"""

from __future__ import annotations

import os
import sys

from harness.cli import claim, compare, cost, doctor, execute, models, rescore, run, tasks
from harness.cli.app import App
from harness.cli.screen import shown_streams
from harness.errors import HarnessError
from harness.report.visible import visible_line

# Plain help: rich help would more than double the time of `--help`
app = App(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Evaluate causal language models on code and math suites, with honest intervals.",
)
app.command("run")(run.run)
app.command("compare")(compare.compare)
app.command("rescore")(rescore.rescore)
app.command("doctor")(doctor.doctor)
app.command("exec")(execute.execute)
app.add_typer(tasks.app, name="tasks")
app.add_typer(models.app, name="models")
app.add_typer(cost.app, name="cost")
app.add_typer(claim.app, name="claim")


def main() -> None:
    """Run the command line; never shows a traceback unless HARNESS_DEBUG is set."""
    with shown_streams():
        _run()


def _run() -> None:
    try:
        app()
    except HarnessError as error:
        if os.environ.get("HARNESS_DEBUG"):
            raise
        print(visible_line(f"harness: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        # The edge of the command line: a user never reads a traceback
        if os.environ.get("HARNESS_DEBUG"):
            raise
        kind = type(error).__name__
        line = f"harness: internal error: {kind}: {error} (HARNESS_DEBUG=1 shows where)"
        print(visible_line(line), file=sys.stderr)
        sys.exit(3)
