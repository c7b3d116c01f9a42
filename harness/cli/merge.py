"""`harness merge`: the shards of a run as one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.loudness import Loudness, Quiet, Verbose, loudness


def merge(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN...", help="folders of the shards, in any order")],
    out: Annotated[
        Path | None, typer.Option(help="run folder [default: the shards' name without their numbers]")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="merge what is there, though shards or answers are missing")
    ] = False,
    json_out: Annotated[bool, typer.Option("--json", help="print scores.json instead of the table")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Make one run of the shards of `harness run --shard I/N`, and print its scores. No model, no data is needed.

    The result is that of a run on one machine: every other command reads it. The shards stay as they are.
    """
    import sys

    from harness.cli import output
    from harness.merging.folder import merging
    from harness.report.visible import visible_line

    said = loudness(quiet, verbose)
    with merging(folders, out, sys.argv, partial=partial) as merged:
        output.show(merged.result, as_json=json_out, folded=said is not Loudness.verbose)
    for note in merged.notes:
        print(visible_line(f"harness: {note}"), file=sys.stderr)
    if not json_out and said is not Loudness.quiet:
        there = f"{len(merged.shards.found)} shards" if len(merged.shards.found) > 1 else "1 shard"
        of = "" if merged.shards.is_whole else f" of {merged.shards.of}; the same command without --shard finishes it"
        print(f"\n{there}{of}: {merged.target}")
    output.exit_for(merged.result)
