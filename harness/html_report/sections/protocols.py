"""How far a score moves with the protocol: one line a task, a dot a protocol, and the spread that chance explains."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.related_tasks import metrics_of, suite_of, sweeps
from harness.analysis.sweep import Sweep
from harness.html_report.charts.dots import DotRow, dot_row
from harness.html_report.charts.forest import SHARES, Label, axis
from harness.html_report.charts.scale import Scale
from harness.html_report.document import Material, ReportRun, Section
from harness.report.sweeps import Words, sweep_table
from harness.report.tables import Table, p_text, score_text

LEAD = (
    "The same model and samples under several protocols: each dot is one, the line goes from the lowest to the highest "
    "score. A spread beyond chance is more than noise (p up to 0.05, permutation of protocols within each sample)."
)

# From this p on a spread may be chance
BEYOND = 0.05


@dataclass(frozen=True, slots=True)
class ProtocolRow:
    """One run and page: `words` for the table, places for the chart; `table`: as a terminal prints it.

    `verdict`: whether the spread is beyond chance; `chart_text`: what the chart shows, in words.
    """

    run: str
    series: int
    page: str
    lowest: str
    highest: str
    spread: str
    chance: str
    verdict: str
    chart_text: str
    row: DotRow
    names: tuple[str, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Protocols:
    """All rows on one scale; `notes`: pages that could not be compared."""

    rows: tuple[ProtocolRow, ...]
    axis: tuple[Label, ...]
    notes: tuple[str, ...]


def build(material: Material) -> Section | None:
    """Show the sweeps of all runs; None where no run has one."""
    scale = SHARES
    rows: list[ProtocolRow] = []
    notes: list[str] = []
    for series, run in enumerate(material.runs):
        for sweep in sweeps(suite_of(run.manifest), run.records, metrics_of(run.estimates)):
            if sweep.found is not None:
                rows.append(_row(run, series, sweep.page, sweep.found, sweep.words, scale))
            elif sweep.missing:
                notes.append(f"{run.label}: {sweep.page}: no value per sample of {', '.join(sweep.missing)}")
            else:
                notes.append(f"{run.label}: {sweep.page}: no sample was scored under every protocol")
    if not rows and not notes:
        return None
    return Section("protocols", "Range of protocols", LEAD, Protocols(tuple(rows), axis(scale), tuple(notes)))


def _row(run: ReportRun, series: int, page: str, found: Sweep, words: Words, scale: Scale) -> ProtocolRow:
    named = {each.name: ", ".join(words[each.name].values()) for each in found.protocols}
    values = {each.name: each.score.value for each in found.protocols}
    listed = "; ".join(f"{named[name]} {score_text(value)}" for name, value in values.items())
    return ProtocolRow(
        run=run.label,
        series=series,
        page=page,
        lowest=f"{score_text(values[found.worst])} {named[found.worst]}",
        highest=f"{score_text(values[found.best])} {named[found.best]}",
        spread=score_text(found.spread),
        chance=score_text(found.chance_spread),
        verdict=f"{'beyond' if found.p <= BEYOND else 'within'} chance (p {p_text(found.p)})",
        chart_text=f"{run.label}, {page}: {listed}",
        row=dot_row(list(values.values()), scale),
        names=tuple(f"{named[name]}: {score_text(value)}" for name, value in values.items()),
        table=sweep_table(found, words, f"{run.label} on {page}: {len(found.protocols)} protocols"),
    )
