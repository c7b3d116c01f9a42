"""Scores with their intervals as a forest plot, truncated and missing answers beside them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.html_report.charts.scale import Scale, Tick
from harness.html_report.document import Material, Section
from harness.report.tables import interval_text, score_text, share_text
from harness.results import Estimate


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One score: words for the table, places on the scale in per cent (None: it has no value)."""

    label: str
    series: int
    value: str
    interval: str
    n: int
    truncated: str
    no_answer: str
    place: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class TaskScores:
    """The scores of one task, a line for each run."""

    task: str
    metric: str
    lines: tuple[ScoreLine, ...]
    ticks: tuple[Tick, ...]


def build(material: Material) -> Section | None:
    """Show the primary score of each task and run."""
    groups = tuple(_task(material, task) for task in material.tasks)
    if not groups:
        return None
    return Section("scores", "Scores", "Points with 95 % intervals; higher is better.", groups)


def _task(material: Material, task: str) -> TaskScores:
    found = [
        (series, run.label, estimate)
        for series, run in enumerate(material.runs)
        for estimate in run.primary
        if estimate.task == task
    ]
    scale = Scale(0.0, 1.0)
    lines = tuple(_line(label, series, estimate, scale) for series, label, estimate in found)
    first = found[0][2]
    return TaskScores(task, f"{first.scorer}/{first.metric}", lines, scale.ticks())


def _line(label: str, series: int, estimate: Estimate, scale: Scale) -> ScoreLine:
    return ScoreLine(
        label=label,
        series=series,
        value=score_text(estimate.value),
        interval=interval_text(estimate.low, estimate.high),
        n=estimate.n,
        truncated=share_text(estimate.truncated),
        no_answer=share_text(estimate.unextracted),
        place=None if estimate.value is None else scale.place(estimate.value),
        low=None if estimate.low is None else scale.place(estimate.low),
        high=None if estimate.high is None else scale.place(estimate.high),
    )
