"""The commands of `harness`, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import (
    claim,
    compare,
    completion,
    cost,
    doctor,
    execute,
    export,
    guide,
    merge,
    models,
    plan,
    probe,
    push,
    report,
    rescore,
    run,
    runs,
    show,
    tasks,
)
from harness.cli.app import App, HarnessGroup, RunCommand

completion.answer_the_shell()

# Plain help: rich help would more than double the time of `--help`
app = App(
    cls=HarnessGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Evaluate causal language models on code and math suites, with honest intervals.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"harness {version('harness')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before the command; the help of the whole is `app`'s."""


app.command("run", cls=RunCommand)(run.run)
app.command("plan")(plan.plan)
app.command("merge")(merge.merge)
app.command("compare")(compare.compare)
app.command("show")(show.show)
app.command("runs")(runs.runs)
app.command("export", cls=export.ExportCommand)(export.export)
app.command("push")(push.push)
app.command("report")(report.report)
app.command("rescore")(rescore.rescore)
app.command("doctor")(doctor.doctor)
app.command("completion")(completion.completion)
app.command("exec")(execute.execute)
tasks.app.command("guide")(guide.guide)
app.add_typer(tasks.app, name="tasks")
app.add_typer(models.app, name="models")
app.add_typer(cost.app, name="cost")
app.add_typer(claim.app, name="claim")
app.add_typer(probe.app, name="probe")
