"""pass@k over k with its band, one line a run: what another try is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analysis.pass_curve import CurvePoint, PassCurve, pass_curve
from harness.html_report.charts.band import Band, band, whole_ticks
from harness.html_report.charts.scale import Scale, Tick
from harness.html_report.document import Material, ReportRun, Section
from harness.report.tables import UNKNOWN, Column, Row, Table, interval_text, score_text

LEAD = (
    "The chance that at least one of k tries passes, estimated without bias from all tries (Chen et al. 2021), with "
    "95 % intervals over samples. Points of one line are of the same tries, so they move together."
)
# Columns of the table
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class PassLine:
    """One run's line. `votes`: whether it is maj@k, drawn without a band."""

    label: str
    series: int
    band: Band
    votes: bool
    chart_text: str


@dataclass(frozen=True, slots=True)
class TaskPass:
    """One task: lines over the ticks of k (`x`) and of the score (`y`, in per cent from the top), and all values."""

    task: str
    scorer: str
    lines: tuple[PassLine, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    table: Table
    notes: tuple[str, ...]


def build(material: Material) -> Section | None:
    """Show each task that some run tried more than once, if its score is pass or fail."""
    parts = [part for task in material.tasks if (part := _task(material, task)) is not None]
    return Section("pass_at_k", "pass@k", LEAD, tuple(parts)) if parts else None


def _task(material: Material, task: str) -> TaskPass | None:
    found: list[tuple[int, ReportRun, PassCurve]] = []
    for series, run in enumerate(material.runs):
        if task in run.manifest.identity.tasks and run.manifest.task(task).repeats > 1:
            curve = pass_curve(run.records, task, vote=_votes(run.manifest.tasks[task]))
            if curve is not None:
                found.append((series, run, curve))
    if not found:
        return None
    most = max(curve.tries for _, _, curve in found)
    x, y = Scale(1, max(2, most)), Scale(0.0, 1.0)
    lines: list[PassLine] = []
    for series, run, curve in found:
        lines.append(_line(run.label, series, "pass", curve.passes, (x, y)))
        if curve.majority:
            lines.append(_line(run.label, series, "maj", curve.majority, (x, y)))
    return TaskPass(
        task=task,
        scorer=found[0][2].scorer,
        lines=tuple(lines),
        x=whole_ticks(1, most),
        y=tuple(Tick(round(100 - tick.place, 3), tick.text) for tick in y.ticks()),
        table=_table(task, found),
        notes=tuple(_notes(found)),
    )


def _votes(facts: Mapping[str, Any]) -> bool:
    """Whether tries of a task can vote: it has short answers, not programs or texts."""
    return "answer" in facts.get("page", {}).get("reference", {})


def _line(label: str, series: int, kind: str, points: Sequence[CurvePoint], scales: tuple[Scale, Scale]) -> PassLine:
    x, y = scales
    votes = kind == "maj"
    bounds = [] if votes else [(_or(p.score.low, p.score.value), _or(p.score.high, p.score.value)) for p in points]
    first, last = points[0], points[-1]
    return PassLine(
        label,
        series,
        band([x.place(point.k) for point in points], [point.score.value for point in points], bounds, y),
        votes,
        f"{label}: {kind}@{first.k} {score_text(first.score.value)} to {kind}@{last.k} {score_text(last.score.value)}",
    )


def _or(bound: float | None, value: float) -> float:
    return value if bound is None else bound


def _table(task: str, found: Sequence[tuple[int, ReportRun, PassCurve]]) -> Table:
    """Every run's values at some k, the last k of each run among them."""
    shown = _some(sorted({point.k for _, _, curve in found for point in curve.passes}))
    rows = []
    for _, run, curve in found:
        for kind, points in (("pass", curve.passes), ("maj", curve.majority)):
            if points:
                by_k = {point.k: point for point in points}
                cells = (_cell(by_k[k]) if k in by_k else UNKNOWN for k in shown)
                rows.append(Row((run.label, f"{kind}@k", str(curve.n), str(curve.tries), *cells)))
    head = (Column("Run", False, True), Column("Metric", False, True), Column("n"), Column("Tries"))
    return Table(f"{task}: pass@k", (*head, *(Column(f"k = {k}") for k in shown)), tuple(rows))


def _cell(point: CurvePoint) -> str:
    return f"{score_text(point.score.value)} {interval_text(point.score.low, point.score.high)}"


def _some(ks: Sequence[int]) -> list[int]:
    if len(ks) <= MOST_COLUMNS:
        return list(ks)
    doubled = [k for k in ks if k & (k - 1) == 0]
    return sorted({*doubled[: MOST_COLUMNS - 1], ks[-1]})


def _notes(found: Sequence[tuple[int, ReportRun, PassCurve]]) -> list[str]:
    return [
        f"{run.label}: {curve.unscored} samples are unscored and left out" for _, run, curve in found if curve.unscored
    ]
