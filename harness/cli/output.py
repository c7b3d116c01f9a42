"""A result for the terminal: the table or the JSON on stdout, the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.config.schema import RunConfig
    from harness.run import Result

DISAGREEMENTS_SHOWN = 20


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


def show_verdicts(result: Result, config: RunConfig, *, as_json: bool) -> None:
    """Print where the verdicts that a file of completions records differ from the scores; to stderr beside JSON."""
    from harness.recorded_verdicts import compared, write

    found = compared(config, result.records)
    if found is None:
        return
    file = sys.stderr if as_json else sys.stdout
    share = 100 * (1 - len(found.disagreements) / found.n)
    print(
        f"\nVerdicts that the file records: {found.recorded} of {found.n} right; scored here: {found.scored}; "
        f"{len(found.disagreements)} differ ({share:.2f} % equal)",
        file=file,
    )
    path = write(found, result.folder)
    for each in found.disagreements[:DISAGREEMENTS_SHOWN]:
        recorded = "right" if each["recorded"] else "wrong"
        label = f"{each['task']}: {each['sample_id']}" + (f" #{each['repeat']}" if each["repeat"] else "")
        reason = " ".join(printable(str(each["reason"])).split())[:100]
        print(f"  {printable(label)}: recorded {recorded}, scored {each['score']:g} ({reason})", file=file)
    if len(found.disagreements) > DISAGREEMENTS_SHOWN:
        print(f"  ... all of them: {path}", file=file)


def printable(text: str) -> str:
    """Replace control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def exit_for(result: Result, fail_under: float | None = None) -> None:
    """End with 1 when something is unscored, a score is missing, or a task's primary score is below `fail_under`."""
    from harness.analysis.estimates import primary_estimates
    from harness.stats.intervals import RATIO

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
