"""Every other run against the baseline, paired by sample: differences as a forest plot with 0 and the margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.analysis.compare import ALPHA, is_better, is_worse, p_within
from harness.comparison import Compared, ComparedRun, Refused, RunSide, compare_read, difference_text
from harness.html_report.caveats import by_tell, unread, unread_text
from harness.html_report.charts.forest import MOST_OPEN, Label, Mark, axis, difference_scale, mark
from harness.html_report.document import Material, Section
from harness.report.comparison import legend, signed_interval_text, signed_text
from harness.report.tables import p_text, score_text
from harness.results import Comparison, metric_text
from harness.stats.multiple import holm

# Settings named of a run that is not compared
NAMED = 6


@dataclass(frozen=True, slots=True)
class PairLine:
    """One difference: words for the table, its place on the scale; `direction` is "better", "worse" or "".

    `sort`: p and p (Holm) as numbers; `remark`: what the finding does not say; `task`: in a table of several tasks.
    """

    label: str
    series: int
    difference: str
    interval: str
    mark: Mark | None
    p: str
    p_family: str
    word: str
    direction: str
    n: int
    wins: int
    losses: int
    detectable: str
    sort: tuple[str, str]
    remark: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class TaskPairs:
    """The differences of one task, or of all in one table."""

    task: str
    metric: str
    lines: tuple[PairLine, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the template lays out: all tasks on one axis, runs that are not compared, warnings.

    `cautions`: tasks whose comparisons say little; `refused`: runs with the same reasons, and these.
    """

    baseline: str
    sentences: tuple[str, ...]
    cautions: tuple[str, ...]
    tasks: tuple[TaskPairs, ...]
    axis: tuple[Label, ...]
    zero: float
    margins: tuple[float, ...]
    refused: tuple[tuple[str, tuple[str, ...]], ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def build(material: Material) -> Section | None:
    """Compare the runs with the first one; None for a single run."""
    if len(material.runs) < 2:
        return None
    runs = [
        ComparedRun(
            RunSide(run.label, run.manifest.run_id, run.manifest.model_name, run.folder), run.manifest, run.records
        )
        for run in material.runs
    ]
    found = compare_read(runs, allow_protocol=material.allow_protocol)
    within = _within(found, material.margin)
    baseline = found.runs[0].label
    lead = f"Each run minus {baseline}, the baseline, on the samples that both answered: right of 0 is better."
    scale = difference_scale([b for c in found.comparisons for b in (c.low, c.high)], material.margin)
    series = {run.label: place for place, run in enumerate(material.runs)}
    unread_of = unread(material)
    tasks: dict[str, list[PairLine]] = {}
    for comparison, equal in zip(found.comparisons, within, strict=True):
        at = mark(scale, comparison.difference, comparison.low, comparison.high)
        line = _line(comparison, equal, at, series[comparison.b])
        if _is_unread(comparison, unread_of):
            line = replace(line, remark="few answers were read")
        tasks.setdefault(comparison.task, []).append(line)
    margins = () if material.margin is None else tuple(scale.place(end) for end in (-material.margin, material.margin))
    data = Pairs(
        baseline,
        _sentences(found, within, material.margin) if _says_something(found, unread_of) else (),
        _cautions(found, unread_of, material),
        _tables(tasks, found.comparisons),
        axis(scale, signed=True),
        scale.place(0.0),
        margins,
        _grouped(found.refused),
        (*(f"{run}: the protocol differs: {difference_text(field)}" for run, field in found.protocol), *found.warnings),
        _notes(found, material.margin),
    )
    return Section("pairs", "Differences from the baseline", lead, data)


def _within(found: Compared, margin: float | None) -> tuple[bool, ...]:
    """Whether each difference is shown to lie between the margins, after Holm over all."""
    if margin is None:
        return (False,) * len(found.comparisons)
    return tuple(p <= ALPHA for p in holm([p_within(paired, margin) for paired in found.pairings]))


def _line(c: Comparison, within: bool, at: Mark | None, series: int) -> PairLine:
    direction = "better" if is_better(c) else "worse" if is_worse(c) else ""
    word = direction or ("within the margin" if within else "not shown")
    return PairLine(
        label=c.b,
        series=series,
        difference=signed_text(c.difference),
        interval=signed_interval_text(c.low, c.high),
        mark=at,
        p=p_text(c.p),
        p_family=p_text(c.p_family),
        word=f"{word}, within the margin" if direction and within else word,
        direction=direction,
        n=c.n,
        wins=c.wins,
        losses=c.losses,
        detectable=score_text(c.detectable),
        sort=(f"{c.p:.3g}", f"{c.p_family:.3g}"),
        remark="" if direction or c.low <= 0 <= c.high else _not_a_finding(c),
    )


def _not_a_finding(c: Comparison) -> str:
    return "interval excludes 0; not after correction" if c.p <= ALPHA else "interval excludes 0; the test does not"


def _is_unread(c: Comparison, unread_of: Mapping[str, Sequence[str]]) -> bool:
    return not {c.a, c.b}.isdisjoint(unread_of.get(c.task, ()))


def _says_something(found: Compared, unread_of: Mapping[str, Sequence[str]]) -> bool:
    return not found.comparisons or not all(_is_unread(c, unread_of) for c in found.comparisons)


def _cautions(found: Compared, unread_of: Mapping[str, Sequence[str]], material: Material) -> tuple[str, ...]:
    """Say, by task, which comparisons are of answers that were not read."""
    lines = []
    for task, labels in unread_of.items():
        of_task = [c for c in found.comparisons if c.task == task]
        own = [c for c in of_task if _is_unread(c, unread_of)]
        if own:
            compared = {label for c in own for label in (c.a, c.b)}
            which = "this comparison says" if len(own) == len(of_task) else "comparisons with them say"
            text = unread_text(own[0].scorer, [label for label in labels if label in compared])
            others = any(len([e for e in run.estimates if e.task == task]) > 1 for run in material.runs)
            where = "the other scores above, and the samples" if others else "the samples"
            lines.append(f"{task}: {text}: {which} nothing of the models; see {where}.")
    return tuple(lines)


def _sentences(found: Compared, within: Sequence[bool], margin: float | None) -> tuple[str, ...]:
    """What the table shows, counted; never that something not shown is equal."""
    count = len(found.comparisons)
    if not count:
        return ("No run could be compared with the baseline.",)
    better, worse = sum(map(is_better, found.comparisons)), sum(map(is_worse, found.comparisons))
    if count == 1:
        shown = f"The difference {'is' if better + worse else 'is not'} significantly different from 0."
    else:
        shown = f"{better + worse} of {count} differences are significantly different from 0 after Holm's correction"
        shown += f": {better} better, {worse} worse." if better + worse else "."
    lines = [shown]
    if margin is not None:
        equal = sum(within)
        which = "It is" if count == 1 and equal else "It is not" if count == 1 else f"{equal} of {count} are"
        lines.append(
            f"{which} shown to be within the margin of ±{margin:g} (two one-sided tests at 5 %"
            f"{', Holm' if count > 1 else ''})."
        )
    if better + worse + sum(within) < count:
        lines.append("Not shown does not mean equal: a true difference below the detectable one is easily missed.")
    return tuple(lines)


def _tables(tasks: Mapping[str, Sequence[PairLine]], comparisons: Sequence[Comparison]) -> tuple[TaskPairs, ...]:
    """A table for each task; one for all tasks of a long suite, so that they can be sorted together."""
    named = {task: _metric(comparisons, task) for task in tasks}
    if len(tasks) <= MOST_OPEN:
        return tuple(TaskPairs(task, named[task], tuple(lines)) for task, lines in tasks.items())
    metrics = list(dict.fromkeys(named.values()))
    metric = metrics[0] if len(metrics) == 1 else f"{len(metrics)} metrics"
    lines = tuple(replace(line, task=task) for task, own in tasks.items() for line in own)
    return (TaskPairs(f"{len(tasks)} tasks", metric, lines),)


def _metric(comparisons: Sequence[Comparison], task: str) -> str:
    first = next(comparison for comparison in comparisons if comparison.task == task)
    return metric_text(first.scorer, first.metric)


def _grouped(refused: Sequence[Refused]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Runs with the same reasons in one line, the most telling reasons first."""
    runs: dict[tuple[str, ...], list[str]] = {}
    for one in refused:
        fields = [difference_text(field) for field in by_tell(one.fields)]
        more = len(fields) - NAMED
        runs.setdefault((*fields[:NAMED], *((f"and {more} more",) if more > 0 else ())), []).append(one.run)
    return tuple((", ".join(names), fields) for fields, names in runs.items())


def _notes(found: Compared, margin: float | None) -> tuple[str, ...]:
    if not found.comparisons:
        return ()
    explained = tuple(f"May explain a difference of {run}: {text}" for run, text in found.explanations)
    margins = (
        "Within the margin: both one-sided tests reject a difference as large as the margin (Schuirmann 1987); dashed "
        "lines are the margin.",
    )
    return (*legend(found.comparisons, needed=False), *(margins if margin is not None else ()), *explained)
