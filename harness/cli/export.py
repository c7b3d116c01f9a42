"""`harness export`: a run in another tool's format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a finished run")],
    to: Annotated[str, typer.Option(help="csv, hub, junit, lm-eval, markdown, parquet")],
    out: Annotated[Path | None, typer.Option(help="folder for the files [default: RUN/export/FORMAT]")] = None,
) -> None:
    """Write a run in another tool's format; prints the files. Needs no model, no data and no network."""
    from harness import plugins
    from harness.errors import StorageError, UnknownName, UserError
    from harness.export.base import Export, read_stored

    name = to.replace("-", "_")
    known = plugins.names("export")
    if name not in known:
        raise UnknownName("export format", to, [each.replace("_", "-") for each in known])
    run = read_stored(folder)
    target = out or folder / "export" / name
    exporter: Export = plugins.load("export", name).build()
    try:
        target.mkdir(parents=True, exist_ok=True)
        files = exporter.write(run, target)
    except OSError as error:
        raise StorageError(f"{target}: cannot be written: {error.strerror}; give another --out") from None
    if not files:
        raise UserError(f"{folder} has nothing for {to}: it is for tasks whose data is on the hub")
    for file in files:
        print(file)
