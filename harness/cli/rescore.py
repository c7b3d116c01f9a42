"""`harness rescore`: score stored answers again, without the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rescore(
    folder: Annotated[str, typer.Argument(metavar="RUN", help="run folder")],
    mirror: Annotated[
        str | None, typer.Option(envvar="HARNESS_MIRROR", help="local folder used in place of the data hub")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="data.* or execution.* keys")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="print scores.json instead of the table")] = False,
) -> None:
    """Score a run's stored answers again with the current scorers; no model is needed."""
    from harness.cli import output
    from harness.cli.settings import read_settings
    from harness.rescore import rescore as rescore_run

    values = {"data.mirror": str(Path(mirror).expanduser().resolve())} if mirror else {}
    result, changed = rescore_run(Path(folder), values | read_settings(settings or []))
    output.show(result, as_json=json_out)
    if not json_out:
        print(
            f"\n{changed} of {len(result.scored)} answers are scored differently; the old records are kept in {folder}"
        )
    output.exit_for(result)
