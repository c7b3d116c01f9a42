"""Runs of one task or suite in the order of their scores, each pair compared, with the ranks that this leaves open.

Guarantees: with probability 95 % no pair of a table is decided the wrong way and all rank ranges of it contain the true
ranks together; nothing is claimed over several tables at once. Does not check protocols: see `leaderboard`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.analysis.compare import ALPHA, PairedTask, compare, pair_values
from harness.analysis.metric import lower_is_better
from harness.analysis.values import SampleValues
from harness.results import Comparison, Estimate, metric_text
from harness.stats.mean_of_tasks import WeightedTask, mean_bounds, mean_p_value
from harness.stats.multiple import holm_directional
from harness.stats.paired import paired_difference
from harness.stats.ranks import RankRange, not_distinguishable, rank_ranges

# Of many pairs only a small p decides: a large one may be off by 5 %
ENOUGH = 400


@dataclass(frozen=True, slots=True)
class Entrant:
    """A run to rank: its score, and its samples' values, by task, where it has some. `place`: among all runs given."""

    place: int
    label: str
    estimate: Estimate
    values: Mapping[str, SampleValues]


@dataclass(frozen=True, slots=True)
class Standing:
    """A run in a ranking; no `ranks` where the metric has no value per sample."""

    place: int
    label: str
    estimate: Estimate
    ranks: RankRange | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """One table: standings, best first; all pairs of them, a being the better-placed one, `p_family` directional.

    `ties`: labels that are not distinguishable, longest stretches; `differs`: in what its protocol differs from that of
    the first table of the task; `overall`: a suite's mean, over `part` of its tasks.
    """

    name: str
    metric: str
    standings: tuple[Standing, ...]
    pairs: tuple[Comparison, ...]
    ties: tuple[tuple[str, ...], ...]
    overall: bool = False
    part: str = "all tasks"
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weights:
    """How tasks enter a suite's mean: a weight each (sum 1). `shared`: they have the same samples."""

    of_task: Mapping[str, float]
    shared: bool = False


def decided(comparison: Comparison, alpha: float = ALPHA) -> bool:
    """Whether one of the two is shown to be better, by `p_family`."""
    return comparison.difference != 0 and comparison.p_family <= alpha


def rank(name: str, entrants: Sequence[Entrant], weights: Weights | None = None) -> Ranking:
    """Rank runs of one task, or, with `weights`, of a suite; pairs without a common sample stay undecided.

    Significance: exact paired tests, of means `stats.mean_of_tasks`; Holm over all pairs and both directions. Ranges:
    `stats.ranks`.
    """
    ordered = sorted(entrants, key=_order)
    metric = ordered[0].estimate
    pairs: list[Comparison] = []
    notes: list[str] = []
    for a, b in combinations(ordered, 2):
        paired = _paired(a, b)
        if not paired:
            continue
        if not all(one.samples.n for one in paired):
            notes.append(f"{a.label} and {b.label} have no sample that both scored: not compared")
        elif weights is None:
            pairs.append(compare(paired[0], a.label, b.label, detectable=False, needed=False, enough=ENOUGH))
        else:
            pairs.append(compare_mean(name, paired, (a.label, b.label), weights))
    adjusted = holm_directional([pair.p for pair in pairs])
    pairs = [replace(pair, p_family=p) for pair, p in zip(pairs, adjusted, strict=True)]
    places = {entrant.label: place for place, entrant in enumerate(ordered)}
    won = [
        (places[pair.b], places[pair.a]) if pair.difference > 0 else (places[pair.a], places[pair.b])
        for pair in pairs
        if decided(pair)
    ]
    ranges = rank_ranges(len(ordered), won) if pairs else [None] * len(ordered)
    open_pairs = [(places[pair.a], places[pair.b]) for pair in pairs if not decided(pair)]
    ties = not_distinguishable(range(len(ordered)), open_pairs)
    return Ranking(
        name,
        metric_text(metric.scorer, metric.metric),
        tuple(Standing(e.place, e.label, e.estimate, found) for e, found in zip(ordered, ranges, strict=True)),
        tuple(pairs),
        tuple(tuple(ordered[place].label for place in tie) for tie in ties),
        weights is not None,
        notes=tuple(notes),
    )


def compare_mean(suite: str, paired: Sequence[PairedTask], labels: tuple[str, str], weights: Weights) -> Comparison:
    """Compare two runs by the weighted mean of their tasks, on the samples of each task that both scored.

    p and interval: `stats.mean_of_tasks`; p is at most .05 where the interval excludes 0. Wins and losses are
    those of all samples. Raises ValueError for a task without a common sample.
    """
    values: list[tuple[float, float]] = []
    tasks: list[WeightedTask] = []
    for one in paired:
        weight = weights.of_task[one.task]
        first, second = one.samples.values
        seen = paired_difference(second, first, one.samples.clusters)
        tasks.append(WeightedTask(weight, seen))
        values.append((weight * math.fsum(first) / seen.n, weight * math.fsum(second) / seen.n))
    value_a, value_b = (math.fsum(side) for side in zip(*values, strict=True))
    low, high = mean_bounds(tasks, shared=weights.shared)
    p = mean_p_value(tasks, shared=weights.shared)
    return Comparison(
        task=suite,
        scorer="",
        metric=paired[0].metric if len({one.metric for one in paired}) == 1 else "mean of tasks",
        a=labels[0],
        b=labels[1],
        value_a=value_a,
        value_b=value_b,
        difference=value_b - value_a,
        low=low,
        high=high,
        method="macro",
        p=p,
        p_family=p,
        test="interval",
        n=sum(task.seen.n for task in tasks),
        wins=sum(task.seen.wins for task in tasks),
        losses=sum(task.seen.losses for task in tasks),
        detectable=None,
        needed=None,
        unscored=sum(one.samples.unscored for one in paired),
        unpaired=sum(one.samples.unpaired for one in paired),
    )


def _order(entrant: Entrant) -> tuple[bool, float]:
    """Best first; without a score last. Of a perplexity or a calibration error the smallest is the best."""
    value = entrant.estimate.value
    return (value is None, 0.0 if value is None else value if lower_is_better(entrant.estimate) else -value)


def _paired(a: Entrant, b: Entrant) -> list[PairedTask]:
    """The tasks' pairs of two runs; none where one has no values."""
    if not a.values or not b.values:
        return []
    return [pair_values(first, b.values[task]) for task, first in a.values.items()]
