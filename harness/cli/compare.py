"""`harness compare`: runs against a first one, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.comparison import Compared
    from harness.report.comparison import Finding, SampleRow


class Format(StrEnum):
    """How a comparison is printed."""

    table = "table"
    markdown = "markdown"
    csv = "csv"
    json = "json"


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN [RUN...]", help="run folders, the baseline first; or one with changed questions (--perturb)"
        ),
    ],
    allow_protocol: Annotated[
        bool, typer.Option("--allow-protocol", help="compare runs whose shots, prompts, decoding or data differ")
    ] = False,
    samples: Annotated[
        bool, typer.Option("--samples", help="show the samples on which the runs differ, side by side")
    ] = False,
    regressions: Annotated[
        bool, typer.Option("--regressions", help="exit with 1 if a run is significantly worse than the baseline")
    ] = False,
    max_drop: Annotated[
        float | None,
        typer.Option(
            metavar="D", help="with --regressions: let pass a drop of at most D, from 0 to 1, as measured (2 % is 0.02)"
        ),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="how to print")] = Format.table,
    json_out: Annotated[bool, typer.Option("--json", help="the same as --format json")] = False,
) -> None:
    """Compare runs sample by sample: differences with intervals and p-values, and the smallest detectable difference.

    Runs whose protocol differs are refused, with the fields named. Runs with `--perturb` also show what the changed
    questions cost each; one such run may stand alone. Needs no model and no data.
    """
    from harness.cli.gates import regressions as failed_regressions
    from harness.cli.output import print_gates
    from harness.comparison import compare_runs
    from harness.errors import UserError

    # False for NaN too
    if max_drop is not None and not 0 <= max_drop <= 1:
        raise UserError(f"--max-drop {max_drop:g}: expected a difference of scores from 0 to 1 (2 % is 0.02)")
    if max_drop is not None and not regressions:
        raise UserError("--max-drop has no effect without --regressions: add it, or leave both out")
    chosen = Format.json if json_out else format_
    if samples and chosen is Format.csv:
        raise UserError("--samples makes a second table, which CSV does not hold: use --format json")
    if len(folders) == 1:
        _show_alone(folders[0], chosen, idle={"--samples": samples, "--regressions": regressions})
        return
    found = compare_runs(folders, allow_protocol=allow_protocol)
    _show(found, chosen, samples=samples)
    if regressions:
        failed, notes = failed_regressions(found.comparisons, max_drop)
        print_gates(failed, notes)
        if failed:
            raise typer.Exit(1)


def _show_alone(folder: Path, format_: Format, *, idle: Mapping[str, bool]) -> None:
    """One run: its questions as they are against the changed ones."""
    from harness.cli.drops import drops_of, show_drops
    from harness.errors import UserError

    seen = drops_of([folder])
    if not seen.drops:
        reason = f"; {seen.warnings[0]}" if seen.warnings else ""
        raise UserError(
            "compare needs two run folders or more, the baseline first; one alone needs changed questions, which "
            f"{folder} does not have (`harness run --perturb KIND`){reason}"
        )
    if wrong := next((flag for flag, given in idle.items() if given), None):
        raise UserError(f"{wrong} compares two runs: give a second run folder, or leave it out")
    show_drops(seen, format_.value)


def _show(found: Compared, chosen: Format, *, samples: bool) -> None:
    from harness.cli.drops import drops_of
    from harness.comparison import difference_text
    from harness.report import comparison as report

    findings = _findings(found)
    rows = _sample_rows(found) if samples else None
    changed = drops_of([run.folder for run in found.runs])
    if chosen in (Format.json, Format.csv):
        document = report.comparison_document(
            [{"label": r.label, "run_id": r.run_id, "model": r.model, "folder": str(r.folder)} for r in found.runs],
            findings,
            [{"run": run, "field": d.field, "baseline": d.a, "value": d.b} for run, d in found.protocol],
            found.warnings,
            rows,
            found.explanations,
        )
        document |= changed.document()
        print(report.document_text(document) if chosen is Format.json else report.rows_csv(document), end="")
        return
    differing = [f"{run}: the protocol differs: {difference_text(difference)}" for run, difference in found.protocol]
    scores = report.comparison_table(findings, [*differing, *found.warnings], found.explanations)
    tables = [scores, *changed.tables(), *report.sample_tables(rows or [])]
    if chosen is Format.markdown:
        from harness.report.markdown import markdown

        print("\n".join(map(markdown, tables)), end="")
        return
    from harness.cli.screen import console
    from harness.report.terminal import print_table

    for place, table in enumerate(tables):
        if place:
            print()
        print_table(table, console())


def _findings(found: Compared) -> list[Finding]:
    from harness.analysis.compare import is_better, is_worse
    from harness.report.comparison import Finding

    words = ["better" if is_better(c) else "worse" if is_worse(c) else "not shown" for c in found.comparisons]
    return [Finding(comparison, word) for comparison, word in zip(found.comparisons, words, strict=True)]


def _sample_rows(found: Compared) -> list[SampleRow]:
    from harness.report.comparison import SampleRow

    return [
        SampleRow(c.task, c.a, c.b, a.sample_id, a.value, b.value, a.answer, b.answer)
        for c, paired in zip(found.comparisons, found.pairings, strict=True)
        for a, b in paired.discordant
    ]
