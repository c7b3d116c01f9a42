"""A result for the terminal: the table or the JSON on stdout, the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.run import Result


def show(result: Result, *, as_json: bool) -> None:
    """Write the run folder's files, and print the tables or the JSON."""
    from harness.cli.screen import console
    from harness.publish import publish
    from harness.report.terminal import print_table

    document, tables = publish(result)
    if as_json:
        print(document, end="")
        return
    for place, table in enumerate(tables):
        if place:
            print()
        print_table(table, console())


def exit_for(result: Result, fail_under: float | None = None) -> None:
    """End with 1 when something is unscored, a score is missing, or a task's primary score is below `fail_under`."""
    from harness.analysis.estimates import primary_estimates
    from harness.analysis.intervals import RATIO

    falling = [estimate.task for estimate in primary_estimates(result.estimates) if estimate.method == RATIO]
    if fail_under is not None and falling:
        print(f"harness: --fail-under says nothing of {', '.join(falling)}: lower is better there", file=sys.stderr)
    low = [
        f"{estimate.task} {estimate.value:.3f}"
        for estimate in primary_estimates(result.estimates)
        if fail_under is not None
        and estimate.task not in falling
        and estimate.value is not None
        and estimate.value < fail_under
    ]
    if low:
        print(f"harness: below --fail-under {fail_under:g}: {', '.join(low)}", file=sys.stderr)
    if low or any(estimate.unscored or not estimate.n for estimate in result.estimates):
        raise typer.Exit(1)
