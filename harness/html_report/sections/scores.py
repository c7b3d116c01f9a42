"""Scores with their intervals as a forest plot, truncated and missing answers beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.metric import lower_is_better
from harness.html_report.caveats import other_protocol, protocol_uses, unread, unread_text, without_mixed_means
from harness.html_report.charts.forest import MOST_OPEN, Label, Mark, axis, mark, score_scale
from harness.html_report.charts.scale import Scale
from harness.html_report.document import Material, Section
from harness.leaderboard import tasks_of_suite
from harness.report.tables import (
    Column,
    extra_cells,
    extra_columns,
    extra_legend,
    interval_legend,
    interval_text,
    score_text,
    share_text,
)
from harness.results import Estimate, metric_text
from harness.stats.intervals import RATIO
from harness.stats.jackknife import JACKKNIFE

# Metrics of a corpus have this as their largest value
MOST_OF_CORPUS = 100.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number beside the chart: its words, and the number itself for sorting."""

    text: str
    sort: str


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One score: words for the table, its place on the scale (None: it has no value).

    `task`: in a table of several tasks; `remark`: in what its protocol differs from that of the first run.
    """

    label: str
    series: int
    value: Figure
    interval: str
    mark: Mark | None
    figures: tuple[Figure, ...]
    task: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class OtherScores:
    """The scores of a task besides the first: a cell per run and metric. `open`: the first one says nothing."""

    task: str
    metrics: tuple[str, ...]
    lines: tuple[tuple[str, int, tuple[tuple[str, str], ...]], ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class TaskScores:
    """The scores of one task, or of tasks on one axis: a line for each run. `headings`: of the lines' figures.

    `cautions`: why a score here says little of the model.
    """

    name: str
    metric: str
    words: str
    overall: bool
    headings: tuple[str, ...]
    lines: tuple[ScoreLine, ...]
    axis: tuple[Label, ...]
    others: tuple[OtherScores, ...]
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """What the template lays out."""

    groups: tuple[TaskScores, ...]
    notes: tuple[str, ...]


Found = Sequence[tuple[int, str, Estimate]]


def build(material: Material) -> Section | None:
    """Show the primary score of each task and run, suites' means first, the other scores smaller."""
    runs = list(enumerate(without_mixed_means(material.runs)))
    unread_of = unread(material)
    # Means over other tasks are other numbers
    suites: dict[tuple[str, str, frozenset[str]], list[tuple[int, str, Estimate]]] = {}
    for series, run in runs:
        if run.overall is not None:
            key = (run.overall.task, tasks_of_suite(run), frozenset(one.task for one in run.primary))
            suites.setdefault(key, []).append((series, run.label, run.overall))
    groups = [_group(f"{suite}, {part}", found, (), overall=True) for (suite, part, _), found in suites.items()]
    # The tasks of one run are one table, so they have the same columns
    alike = [estimate for _, run in runs for estimate in run.primary] if len(runs) == 1 else []
    primary = {series: run.primary for series, run in runs}
    for task in material.tasks:
        found = [(s, run.label, e) for s, run in runs for e in primary[s] if e.task == task]
        others = [(s, run.label, e) for s, run in runs for e in run.estimates if e.task == task and e not in primary[s]]
        group = _remarked(_group(task, found, others, overall=False, alike=alike), other_protocol(material, task))
        if labels := unread_of.get(task):
            group = _cautioned(group, unread_text(found[0][2].scorer, labels))
        groups.append(group)
    if not groups:
        return None
    shown = [estimate for _, run in runs for estimate in run.primary]
    overall = [estimate for found in suites.values() for _, _, estimate in found]
    notes = tuple(
        note
        for note in (*_mixed(material), interval_legend([*overall, *shown]), *extra_legend(extra_columns(shown)))
        if note
    )
    if len(material.tasks) > (MOST_OPEN if len(runs) > 1 else 1):
        groups = _together(groups)
    lead = "Points are scores, lines their 95 % intervals. Overlapping intervals do not mean that runs are alike: the "
    lead += "paired differences below say more."
    single = "Points are scores, lines their 95 % intervals."
    return Section("scores", "Scores", lead if len(runs) > 1 else single, Scores(tuple(groups), notes))


def _group(name: str, found: Found, others: Found, *, overall: bool, alike: Sequence[Estimate] = ()) -> TaskScores:
    estimates = [estimate for _, _, estimate in found]
    first = estimates[0]
    extra = extra_columns(alike or estimates)
    unscored = any(estimate.unscored for estimate in alike or estimates)
    numbers = [number for e in estimates for number in (e.value, e.low, e.high)]
    of_corpus = first.method == JACKKNIFE
    share = first.method != RATIO and not of_corpus and all(n is None or 0 <= n <= 1 for n in numbers)
    scale = score_scale(numbers, share=share, most=MOST_OF_CORPUS if of_corpus else None)
    metric = metric_text(first.scorer, first.metric)
    words = "lower is better" if lower_is_better(first) else "0 to 100, higher is better" if of_corpus else ""
    return TaskScores(
        name=name,
        metric=metric,
        words=words,
        overall=overall,
        headings=("n", "Truncated %", "No answer %", *(("Unscored",) if unscored else ()), *(c.heading for c in extra)),
        lines=tuple(_line(one, scale, extra, unscored) for one in found),
        axis=axis(scale),
        others=_others(name, found, others),
    )


def _mixed(material: Material) -> tuple[str, ...]:
    """Say which suites have no mean."""
    suites = dict.fromkeys(run.manifest.suite_name for run in material.runs if run.overall and protocol_uses(run))
    return tuple(f"{suite} has tasks under several protocols: a mean over them is not shown." for suite in suites)


def _remarked(group: TaskScores, remarks: Mapping[str, str]) -> TaskScores:
    return replace(group, lines=tuple(replace(one, remark=remarks.get(one.label, "")) for one in group.lines))


def _cautioned(group: TaskScores, text: str) -> TaskScores:
    others = tuple(replace(one, open=True) for one in group.others)
    text = f"{group.name}: {text}: such scores say little of a model."
    return replace(group, others=others, cautions=(f"{text} See the other scores below." if others else text,))


def _together(groups: Sequence[TaskScores]) -> list[TaskScores]:
    """One table for all tasks of a long suite that share axis and columns, so that they can be sorted together."""
    shared: dict[object, list[TaskScores]] = {}
    for group in groups:
        # A mean stays alone
        key = id(group) if group.overall else (group.axis, group.headings, group.words)
        shared.setdefault(key, []).append(group)
    return [group if len(found) == 1 else _one_table(found) for found in shared.values() for group in found[:1]]


def _one_table(groups: Sequence[TaskScores]) -> TaskScores:
    metrics = list(dict.fromkeys(group.metric for group in groups))
    return replace(
        groups[0],
        name=f"{len(groups)} tasks",
        metric=metrics[0] if len(metrics) == 1 else f"{len(metrics)} metrics",
        lines=tuple(replace(line, task=group.name) for group in groups for line in group.lines),
        others=tuple(others for group in groups for others in group.others),
        cautions=tuple(caution for group in groups for caution in group.cautions),
    )


def _line(found: tuple[int, str, Estimate], scale: Scale, extra: tuple[Column, ...], with_unscored: bool) -> ScoreLine:
    series, label, estimate = found
    unscored = (Figure(str(estimate.unscored), ""),) if with_unscored else ()
    return ScoreLine(
        label=label,
        series=series,
        value=Figure(score_text(estimate.value), _sort(estimate.value)),
        interval=interval_text(estimate.low, estimate.high),
        mark=mark(scale, estimate.value, estimate.low, estimate.high),
        figures=(
            Figure(str(estimate.n), str(estimate.n)),
            Figure(share_text(estimate.truncated), _sort(estimate.truncated)),
            Figure(share_text(estimate.unextracted), _sort(estimate.unextracted)),
            *(Figure(one.text, one.text) for one in unscored),
            *(Figure(text, "" if text == "-" else text.lstrip("<>")) for text in extra_cells(estimate, extra)),
        ),
    )


def _sort(number: float | None) -> str:
    return "" if number is None else f"{number:.5g}"


def _others(task: str, found: Found, others: Found) -> tuple[OtherScores, ...]:
    def name(estimate: Estimate) -> str:
        return metric_text(estimate.scorer, estimate.metric)

    metrics = tuple(dict.fromkeys(name(estimate) for _, _, estimate in others))
    if not metrics:
        return ()
    cells = {(series, name(e)): (score_text(e.value), interval_text(e.low, e.high)) for series, _, e in others}
    blank = (score_text(None), "")
    lines = tuple(
        (label, series, tuple(cells.get((series, metric), blank) for metric in metrics)) for series, label, _ in found
    )
    return (OtherScores(task, metrics, lines),)
