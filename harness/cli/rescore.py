"""`harness rescore`: score stored answers again, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.loudness import Loudness, Quiet, Verbose, loudness


def rescore(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="run folder")],
    mirror: Annotated[
        str | None, typer.Option(envvar="HARNESS_MIRROR", help="local folder used in place of the data hub")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="data.* or execution.* keys")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="print scores.json instead of the table")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score a run's stored answers again with the current scorers; no model is needed."""
    from harness.cli import output
    from harness.cli.progress import Progress
    from harness.cli.settings import read_settings
    from harness.rescore import rescore as rescore_run

    said = loudness(quiet, verbose)
    values = {"data.mirror": str(Path(mirror).expanduser().resolve())} if mirror else {}
    with Progress(said) as progress:
        result, changed = rescore_run(Path(folder), values | read_settings(settings or []), progress.waiting)
    output.show(result, as_json=json_out, folded=said is not Loudness.verbose)
    if not json_out and said is not Loudness.quiet:
        print(
            f"\n{changed} of {len(result.scored)} answers are scored differently; the old records are kept in {folder}"
        )
    output.exit_for(result)
