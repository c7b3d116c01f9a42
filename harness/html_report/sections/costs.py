"""Cost against score, and which runs no other one beats in both (the frontier)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from harness.analysis.metric import lower_is_better
from harness.cost.per_answer import PerAnswer, per_answer
from harness.cost.tables import dollars
from harness.html_report.charts.scatter import Point, Scatter, scatter
from harness.html_report.document import Material, ReportRun, Section
from harness.report.tables import UNKNOWN, Column, Row, Table, figure_text, interval_text, score_text
from harness.results import Estimate
from harness.stats.frontier import beaten_by

LEAD = (
    "Further left is cheaper, further up is better{turned}. Runs on the frontier (the stepped line) are beaten by no "
    "other run in both, by their point estimates: vertical bars are 95 % intervals of the scores."
)
TURNED = " (of {metrics} lower values are better, so they are on top)"
DOLLARS, TOKENS, SECONDS = "US dollars per answer", "output tokens per answer", "engine seconds per answer"
# Longest label in the chart; the table has whole names
LONGEST = 22


@dataclass(frozen=True, slots=True)
class CostedRun:
    """One run: its score, and what an answer costs in every unit that is known."""

    run: ReportRun
    series: int
    score: Estimate | None
    known: PerAnswer

    @property
    def lower_is_better(self) -> bool:
        """Whether a smaller score is the better one."""
        return self.score is not None and lower_is_better(self.score)

    @property
    def merit(self) -> float:
        """The score turned so that more is better; 0 where there is none."""
        value = (self.score.value if self.score else None) or 0.0
        return -value if self.lower_is_better else value

    def cost(self, unit: str) -> float | None:
        """What an answer costs in this unit."""
        if unit == DOLLARS:
            return None if self.known.priced is None else self.known.priced.per_answer
        if unit == SECONDS:
            return self.known.seconds
        return None if self.score is None else self.score.mean_tokens


@dataclass(frozen=True, slots=True)
class CostPoint:
    """One run in the chart. `text`: what the point shows, in words."""

    label: str
    series: int
    on_frontier: bool
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of the frontier's line: per cent across, pixels down."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Runs of the same tasks. `chart` is None where fewer than two have a cost in the unit and a score.

    `axis`: the name of the vertical axis; `turned`: the metric if lower values of it are better, else "".
    """

    name: str
    unit: str
    axis: str
    turned: str
    chart: Scatter | None
    points: tuple[CostPoint, ...]
    steps: tuple[Step, ...]
    sentence: str
    table: Table


def build(material: Material) -> Section | None:
    """Show runs of the same tasks together; None where no two runs, and no price, are known."""
    day = material.made.date()
    groups: dict[tuple[tuple[str, ...], bool], list[CostedRun]] = {}
    for series, run in enumerate(material.runs):
        known = per_answer(str(run.folder), run.manifest, run.records, day)
        tasks = tuple(sorted(estimate.task for estimate in run.primary))
        one = CostedRun(run, series, _score(run), known)
        groups.setdefault((tasks, one.lower_is_better), []).append(one)
    shown = tuple(group for runs in groups.values() if (group := _group(runs, day)) is not None)
    turned = ", ".join(dict.fromkeys(group.turned for group in shown if group.turned))
    lead = LEAD.format(turned=TURNED.format(metrics=turned) if turned else "")
    return Section("costs", "Cost and score", lead, shown) if shown else None


def _score(run: ReportRun) -> Estimate | None:
    """The run's one score: of the suite, or of its only task."""
    return run.overall or (run.primary[0] if len(run.primary) == 1 else None)


def _group(runs: Sequence[CostedRun], day: date) -> CostGroup | None:
    unit = _unit(runs)
    placed = [one for one in runs if one.cost(unit) is not None and one.score and one.score.value is not None]
    priced = any(one.known.priced for one in runs)
    if len(placed) < 2 and not priced:
        return None
    costs = [one.cost(unit) or 0.0 for one in placed]
    scores = [one.score for one in placed if one.score is not None]
    beaten = beaten_by([(cost, one.merit) for cost, one in zip(costs, placed, strict=True)])
    turned = runs[0].lower_is_better
    chart = None
    if len(placed) > 1:
        chart = scatter(
            [_point(cost, score) for cost, score in zip(costs, scores, strict=True)], lower_is_better=turned
        )
    words = {
        one.run.label: "on the frontier" if better is None else f"beaten by {placed[better].run.label}"
        for one, better in zip(placed, beaten, strict=True)
    }
    points = tuple(
        CostPoint(
            _short(one.run.label),
            one.series,
            better is None,
            f"{one.run.label}: {_cost_text(one, unit)} {unit}, score {score_text(score.value)}, {words[one.run.label]}",
        )
        for one, score, better in zip(placed, scores, beaten, strict=True)
    )
    front = [place for place, better in enumerate(beaten) if better is None]
    return CostGroup(
        name=runs[0].run.manifest.suite_name,
        unit=unit,
        axis=f"{scores[0].metric} (lower is better, on top)" if turned and scores else "Score",
        turned=scores[0].metric if turned and scores else "",
        chart=chart,
        points=points,
        steps=_steps(chart, front) if chart else (),
        sentence=_sentence([placed[place].run.label for place in front], len(placed), unit) if chart else "",
        table=_table(runs, words, day),
    )


def _unit(runs: Sequence[CostedRun]) -> str:
    """Dollars where at least two runs have them, or all; else tokens, else seconds."""
    if all(one.known.priced for one in runs):
        return DOLLARS
    counts = {unit: sum(one.cost(unit) is not None for one in runs) for unit in (DOLLARS, TOKENS, SECONDS)}
    return next((unit for unit, count in counts.items() if count > 1), TOKENS)


def _point(cost: float, score: Estimate) -> Point:
    value = score.value or 0.0
    low, high = (value if bound is None else bound for bound in (score.low, score.high))
    return Point(cost, value, low, high)


def _steps(chart: Scatter, front: Sequence[int]) -> tuple[Step, ...]:
    """From the cheapest point on the frontier to the dearest: level until a dearer one is better."""
    ordered = sorted((chart.points[place] for place in front), key=lambda point: point.x)
    steps = []
    for one, other in pairwise(ordered):
        steps += [Step(one.x, one.y, other.x, one.y), Step(other.x, one.y, other.x, other.y)]
    return tuple(steps)


def _sentence(front: Sequence[str], count: int, unit: str) -> str:
    return f"On the frontier by {unit}: {', '.join(front)} ({len(front)} of {count} runs)."


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else label[: LONGEST - 1] + "…"


def _cost_text(one: CostedRun, unit: str) -> str:
    cost = one.cost(unit)
    return dollars(cost) if unit == DOLLARS else _seconds(cost) if unit == SECONDS else figure_text(cost)


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"


def _table(runs: Sequence[CostedRun], words: dict[str, str], day: date) -> Table:
    columns = (
        Column("Run", number=False, key=True),
        Column("Score"),
        Column("95 % interval"),
        Column("$ per answer"),
        Column("$ per solved"),
        Column("95 % interval"),
        Column("Tokens"),
        Column("Seconds"),
        Column("Frontier", number=False, free=True),
    )
    cells = [(one.run.label, *_cells(one), words.get(one.run.label, UNKNOWN)) for one in runs]
    # A column that knows nothing says nothing
    kept = [place for place in range(len(columns)) if any(row[place] != UNKNOWN for row in cells)]
    rows = tuple(Row(tuple(row[place] for place in kept)) for row in cells)
    notes = ["Tokens: output tokens per answer; seconds: the engine's time per answer, in a batch its share."]
    if any(one.known.priced for one in runs):
        prices = dict.fromkeys(one.known.priced.price.name for one in runs if one.known.priced)
        notes.append(f"Prices in force on {day}, the dearest hour: {', '.join(prices)}.")
        notes += [f"{one.run.label}: no dollars: {one.known.reason}." for one in runs if not one.known.priced]
    return Table("Cost and score", tuple(columns[place] for place in kept), rows, tuple(notes), tuple(_warnings(runs)))


def _cells(one: CostedRun) -> tuple[str, ...]:
    score, priced = one.score, one.known.priced
    cost = None if priced is None else priced.cost
    solved = UNKNOWN
    if cost is not None and cost.low is not None and cost.high is not None:
        solved = f"[{dollars(cost.low)}, {dollars(cost.high)}]"
    return (
        score_text(score.value if score else None),
        interval_text(score.low, score.high) if score else UNKNOWN,
        dollars(one.cost(DOLLARS)),
        dollars(cost.per_solved if cost else None),
        solved,
        figure_text(score.mean_tokens if score else None),
        _seconds(one.known.seconds),
    )


def _warnings(runs: Sequence[CostedRun]) -> list[str]:
    first = runs[0]
    return [
        f"{first.run.label} and {other.run.label} are not on the same samples ({len(odd)} are in one alone)"
        for other in runs[1:]
        if (odd := first.known.samples ^ other.known.samples)
    ]
