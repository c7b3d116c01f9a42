"""`harness export`: runs in another tool's format."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperOption

from harness.cli.app import OnceCommand

if TYPE_CHECKING:
    from harness.export.base import Export, StoredRun


class ExportCommand(OnceCommand):
    """Lists the formats in its help, which are looked up only for it: other distributions may add some."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        for parameter in self.params:
            if isinstance(parameter, TyperOption) and parameter.name == "to":
                parameter.help = ", ".join(_formats())
        super().format_help(ctx, formatter)


def export(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN", help="folders of finished runs")],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="the format")],
    out: Annotated[
        Path | None,
        typer.Option(help="folder for the files; of several runs, one in it for each [default: RUN/export/FORMAT]"),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="RUN", help="markdown: also how the run compares with this one, first")
    ] = None,
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="with --baseline: compare runs whose protocols differ")
    ] = False,
) -> None:
    """Write runs in another tool's format; prints the files. Needs no model, no data and no network."""
    from harness import plugins
    from harness.errors import UnknownName, UserError, unwritable
    from harness.export.base import Comparing, read_stored

    name = to.replace("-", "_")
    if name not in plugins.names("export"):
        raise UnknownName("export format", to, _formats())
    exporter: Export = plugins.load("export", name).build()
    if baseline is not None and not isinstance(exporter, Comparing):
        raise UserError(f"--baseline is not for {to}: only `--to markdown` shows a comparison")
    if allow_protocol and baseline is None:
        raise UserError("--allow-protocol is for a comparison: give --baseline RUN too")
    runs = [read_stored(folder) for folder in folders]
    if name == "hub":
        from harness.report.visible import visible_line

        for line in (f"{run.folder}: {warning}" for run in runs for warning in run.warnings):
            print(visible_line(f"harness: warning: {line}"), file=sys.stderr)
    for run, target in zip(runs, _targets(exporter, runs, out, name), strict=True):
        try:
            target.mkdir(parents=True, exist_ok=True)
            if baseline is not None and isinstance(exporter, Comparing):
                files: Sequence[Path | str] = exporter.write_compared(
                    run, baseline, target, allow_protocol=allow_protocol
                )
            else:
                files = exporter.write(run, target)
        except OSError as error:
            raise unwritable(Path(error.filename or target), error) from None
        if not files:
            reason = "it is for tasks whose data is on the hub" if to == "hub" else "no task has a score"
            raise UserError(f"{run.folder} has nothing for {to}: {reason}")
        for file in files:
            print(file)


def _formats() -> list[str]:
    from harness import plugins

    return [name.replace("_", "-") for name in plugins.names("export")]


def _targets(exporter: Export, runs: Sequence[StoredRun], out: Path | None, name: str) -> list[Path]:
    """A folder for each run; a tracker has one for all of them. Raises UserError where two would be the same."""
    from harness.errors import UserError
    from harness.export.base import Tracker

    if out is None:
        return [run.folder / "export" / name for run in runs]
    if len(runs) == 1 or isinstance(exporter, Tracker):
        return [out] * len(runs)
    names = [run.folder.resolve().name for run in runs]
    if twice := [own for own in names if names.count(own) > 1]:
        raise UserError(
            f"two runs are in a folder called {twice[0]}, which would be the same in --out; export them apart"
        )
    return [out / own for own in names]
