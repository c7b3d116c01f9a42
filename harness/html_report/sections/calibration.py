"""How often answers are right over how sure the model is of them, one line a run; the diagonal is what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.confidence import needs_confidence
from harness.analysis.metric import parse
from harness.analysis.reliability_diagram import ReliabilityDiagram, reliability_diagram
from harness.html_report.charts.band import Band, band
from harness.html_report.charts.scale import Scale, Tick
from harness.html_report.document import Material, ReportRun, Section
from harness.report.tables import Column, Row, Table, interval_text, score_text, share_text

LEAD = (
    "The share of right answers in each of 15 equal parts of the confidence, with 95 % Wilson intervals; above the "
    "diagonal a model is less sure than it could be, below it too sure. Bins of few answers say little."
)


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """One run's line."""

    label: str
    series: int
    band: Band
    chart_text: str


@dataclass(frozen=True, slots=True)
class TaskCalibration:
    """One task: lines over the ticks of the confidence (`x`) and of the share right (`y`, in per cent from the top)."""

    task: str
    scorer: str
    lines: tuple[CalibrationLine, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    table: Table
    notes: tuple[str, ...]


def build(material: Material) -> Section | None:
    """Show each task that has a metric of confidence in some run."""
    parts = [part for task in material.tasks if (part := _task(material, task)) is not None]
    return Section("calibration", "Calibration", LEAD, tuple(parts)) if parts else None


def _task(material: Material, task: str) -> TaskCalibration | None:
    found: list[tuple[int, ReportRun, ReliabilityDiagram]] = []
    for series, run in enumerate(material.runs):
        scorer = _scorer(run, task)
        diagram = None if scorer is None else reliability_diagram(run.records, task, scorer)
        if diagram is not None:
            found.append((series, run, diagram))
    if not found:
        return None
    scale = Scale(0.0, 1.0)
    ticks = scale.ticks()
    return TaskCalibration(
        task=task,
        scorer=found[0][2].scorer,
        lines=tuple(_line(run.label, series, diagram, scale) for series, run, diagram in found),
        x=tuple(ticks),
        y=tuple(Tick(round(100 - tick.place, 3), tick.text) for tick in ticks),
        table=_table(task, found),
        notes=tuple(_note(run.label, diagram) for _, run, diagram in found),
    )


def _scorer(run: ReportRun, task: str) -> str | None:
    """The first scorer of a task that has a metric of confidence."""
    own = (estimate for estimate in run.estimates if estimate.task == task)
    return next((estimate.scorer for estimate in own if needs_confidence(parse(estimate.metric))), None)


def _line(label: str, series: int, diagram: ReliabilityDiagram, scale: Scale) -> CalibrationLine:
    places = [scale.place(one.confidence) for one in diagram.bins]
    bounds = [(one.low, one.high) for one in diagram.bins]
    words = ", ".join(f"{score_text(one.confidence)}: {score_text(one.right)}" for one in diagram.bins)
    drawn = band(places, [one.right for one in diagram.bins], bounds, scale)
    return CalibrationLine(label, series, drawn, f"{label}: share right by confidence: {words}")


def _table(task: str, found: Sequence[tuple[int, ReportRun, ReliabilityDiagram]]) -> Table:
    rows = [
        Row(
            (run.label, score_text(one.confidence), score_text(one.right), interval_text(one.low, one.high), str(one.n))
        )
        for _, run, diagram in found
        for one in diagram.bins
    ]
    head = (
        Column("Run", False, True),
        Column("Mean confidence"),
        Column("Right"),
        Column("95 % interval"),
        Column("n"),
    )
    return Table(f"{task}: calibration", head, tuple(rows))


def _note(label: str, diagram: ReliabilityDiagram) -> str:
    kept = ", ".join(f"{score_text(one.accuracy)} of {share_text(one.coverage)} %" for one in diagram.kept)
    left = f"; {diagram.left_out} answers state no confidence and are left out" if diagram.left_out else ""
    return f"{label}: accuracy of the most confident answers: {kept}{left}."
