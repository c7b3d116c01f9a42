"""A result on the terminal: the table or JSON on stdout, the exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.cli.gates import Gates
    from harness.config.schema import RunConfig, SuitePage
    from harness.run import Result

DISAGREEMENTS_SHOWN = 20


def show(result: Result, *, as_json: bool, folded: bool = True) -> None:
    """Write the run folder's files, and print the tables or the JSON.

    `folded`: notes and warnings that many tasks share are a line for all of them.
    """
    from harness.cli.screen import console
    from harness.publish import publish
    from harness.report.terminal import print_table

    document, tables = publish(result, folded=folded)
    if as_json:
        print(document, end="")
        return
    for place, table in enumerate(tables):
        if place:
            print()
        print_table(table, console())


def show_verdicts(result: Result, config: RunConfig, *, as_json: bool) -> None:
    """Print where the recorded verdicts of a file of completions differ from the scores; to stderr with JSON output."""
    from harness.recorded_verdicts import compared, write

    comparison = compared(config, lambda: result.records)
    if comparison is None:
        return
    file = sys.stderr if as_json else sys.stdout
    share = 100 * (1 - len(comparison.disagreements) / comparison.n)
    print(
        f"\nVerdicts that the file records: {comparison.recorded} of {comparison.n} right; "
        f"scored here: {comparison.scored}; "
        f"{len(comparison.disagreements)} differ ({share:.2f} % equal)",
        file=file,
    )
    path = write(comparison, result.folder)
    for each in comparison.disagreements[:DISAGREEMENTS_SHOWN]:
        recorded = "right" if each["recorded"] else "wrong"
        label = f"{each['task']}: {each['sample_id']}" + (f" #{each['repeat']}" if each["repeat"] else "")
        reason = " ".join(printable(str(each["reason"])).split())[:100]
        print(f"  {printable(label)}: recorded {recorded}, scored {each['score']:g} ({reason})", file=file)
    if len(comparison.disagreements) > DISAGREEMENTS_SHOWN:
        print(f"  ... all disagreements: {path}", file=file)


def printable(text: str) -> str:
    """Replace control characters, which a terminal would interpret."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def exit_for(result: Result, gates: Gates | None = None) -> None:
    """End with 1 when something is unscored, a score is missing, or a gate fails; a line on stderr for each gate."""
    from harness.analysis.estimates import primary_estimates
    from harness.cli.gates import Gates, failed_gates

    pages = {entry.label: entry.page for entry in _suite(result).tasks}
    failed, notes = failed_gates(gates or Gates(), primary_estimates(result.estimates), result.overall, pages)
    print_gates(failed, notes)
    # A shard may have no sample of a task
    empty = () if result.manifest.shard else (estimate for estimate in result.estimates if not estimate.n)
    if failed or any(empty) or any(estimate.unscored for estimate in result.estimates):
        raise typer.Exit(1)


def print_gates(failed: Sequence[str], notes: Sequence[str]) -> None:
    """Print to stderr what a gate says besides passing or failing, and a line for each gate that failed."""
    for line in notes:
        print(printable(f"harness: {line}"), file=sys.stderr)
    for line in failed:
        print(printable(f"harness: gate failed: {line}"), file=sys.stderr)


def _suite(result: Result) -> SuitePage:
    from harness.config.checking import check_values
    from harness.config.schema import SuitePage

    return check_values(SuitePage, result.manifest.config["suite"], "manifest.json")
