"""The plan of a suite: samples of each task so that the smallest differences can be seen within a budget.

Two models are compared sample by sample: a task's smallest difference is the true one that its paired test shows with
80 % power (McNemar's exact test for 0/1, the normal formula else). One model's score has half its 95 % interval in
place of it. The spread of a sample is measured where earlier runs tell; else that of scores of one half, which is the
widest, with the usual correlation of two models' right answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import stdev

from harness.analysis.values import join
from harness.errors import ConfigError
from harness.planning.budget import Limit, shown
from harness.planning.costs import KEPT_BACK, SampleCost
from harness.planning.document import Line, PlannedRun, TaskChoice
from harness.planning.earlier import Earlier
from harness.planning.sizes import ModelSize
from harness.stats.allocation import Goal, Stratum, allocate
from harness.stats.intervals import normal_quantile, wilson
from harness.stats.power import detectable_effect
from harness.stats.two_model_power import detectable_difference, discordance

# Correlation of the right answers of two models, as `claim power` assumes it
CORRELATION = 0.5
# Common samples of two earlier runs, and samples of one, from which a spread is measured
ENOUGH = 20
# Answers that are all right or all wrong do not mean that the next ones are
LEAST_SPREAD = 0.1
# McNemar's exact test takes long beyond this; the normal formula is as good there
EXACT_UP_TO = 5_000


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation of one sample's difference (or score), where it is from, and the models' scores."""

    value: float
    origin: str
    score: float
    discordant: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants of a plan."""

    what: str
    limit: Limit
    goal: Goal = "largest"
    min_n: int = 30
    seed: int = 0


def plan_suite(
    wish: Wish,
    sizes: Sequence[ModelSize],
    earlier: Mapping[tuple[str, str], Earlier],
    costs: Mapping[tuple[str, str], SampleCost],
    starts: Mapping[str, float],
) -> PlannedRun:
    """Plan a suite for one model or more. Raises ConfigError for a budget that is too small for any task."""
    names = [size.name for size in sizes]
    tasks = list(sizes[0].tasks)
    totals = {task: sizes[0].tasks[task].total for task in tasks}
    each = {task: math.fsum(costs[name, task].of(wish.limit.unit) or 0.0 for name in names) for task in tasks}
    spreads = {task: _spread(task, sizes, earlier) for task in tasks}
    least = {task: min(wish.min_n, totals[task]) for task in tasks}
    sure = all(costs[name, task].bound or not sizes[0].tasks[task].generates for name in names for task in tasks)
    whole = wish.limit.amount * (1.0 if sure and wish.limit.unit != "seconds" else 1 - KEPT_BACK)
    begin = math.fsum(starts.values()) if wish.limit.unit == "seconds" else 0.0
    kept = _affordable(tasks, each, least, whole - begin)
    if not kept:
        cheapest = min(tasks, key=lambda task: each[task] * least[task])
        need = (each[cheapest] * least[cheapest] + begin) / (whole / wish.limit.amount)
        raise ConfigError(
            f"--budget {wish.limit.text}: too small for anything: {least[cheapest]} samples of {cheapest}, the "
            f"cheapest task, take {shown(need, wish.limit.unit)}; give more, or a smaller --min-n"
        )
    free = [task for task in kept if each[task] <= 0]
    strata = {
        task: Stratum(each[task], spreads[task].value, least[task], totals[task]) for task in kept if task not in free
    }
    sizes_of = dict(zip(strata, allocate(list(strata.values()), whole - begin, wish.goal), strict=True))
    sizes_of |= {task: totals[task] for task in free}
    paired = len(names) > 1
    choices = tuple(
        TaskChoice(
            task,
            totals[task],
            sizes_of.get(task, 0),
            _sees(sizes_of[task], spreads[task], paired=paired, binary=sizes[0].tasks[task].binary)
            if task in sizes_of and sizes[0].tasks[task].per_sample
            else None,
            spreads[task].origin,
            "" if task in sizes_of else _why(task, each, least, wish),
        )
        for task in tasks
    )
    lines = tuple(Line(sizes_of[task], costs[name, task]) for name in names for task in kept)
    used = begin + math.fsum(sizes_of[task] * each[task] for task in kept)
    return PlannedRun(
        what=wish.what,
        kind="suite",
        limit=wish.limit,
        sees="difference" if paired else "interval",
        goal=wish.goal,
        min_n=wish.min_n,
        seed=wish.seed,
        models=tuple(names),
        tasks=choices,
        decisions=(),
        lines=lines,
        starts=dict(starts),
        used=used,
        suite_sees=_suite_sees([(sizes_of[task], spreads[task].value) for task in kept], paired=paired),
    )


def _affordable(tasks: Sequence[str], each: Mapping[str, float], least: Mapping[str, int], budget: float) -> list[str]:
    """The tasks whose fewest samples fit together; the dearest are dropped first."""
    kept = list(tasks)
    while kept and math.fsum(each[task] * least[task] for task in kept) > budget:
        kept.remove(max(kept, key=lambda task: each[task] * least[task]))
    return kept


def _why(task: str, each: Mapping[str, float], least: Mapping[str, int], wish: Wish) -> str:
    need = shown(each[task] * least[task], wish.limit.unit)
    return f"its first {least[task]} samples alone take {need}, and the budget has no room for them beside the others"


def _spread(task: str, sizes: Sequence[ModelSize], earlier: Mapping[tuple[str, str], Earlier]) -> Spread:
    """For several models that of the pair that differs most."""
    names = [size.name for size in sizes]
    runs = {name: earlier.get((name, task)) for name in names}
    if len(names) == 1:
        return _single(runs[names[0]])
    return max((_pair(runs[one], runs[other]) for one, other in combinations(names, 2)), key=lambda one: one.value)


def _single(run: Earlier | None) -> Spread:
    if run is None or run.values is None or len(run.values.samples) < ENOUGH:
        return Spread(0.5, "assumed: score 0.5, the widest", 0.5, 0.5)
    values = run.values.values
    return Spread(
        max(stdev(values), LEAST_SPREAD),
        f"n {run.n}, {run.folder}",
        math.fsum(values) / len(values),
        stdev(values) ** 2,
    )


def _pair(first: Earlier | None, second: Earlier | None) -> Spread:
    """Of a difference of 0/1 scores the spread is sqrt(share of samples on which the two differ), as in `compare`."""
    one, other = _single(first), _single(second)
    if first is not None and second is not None and first.values is not None and second.values is not None:
        mine, theirs = join(first.values, second.values).values
        if len(mine) >= ENOUGH:
            square = math.fsum((a - b) ** 2 for a, b in zip(mine, theirs, strict=True)) / len(mine)
            return _paired(square, f"n {len(mine)} in both, {first.folder} and {second.folder}", one.score)
    known = [spread for spread in (one, other) if not spread.origin.startswith("assumed")]
    if len(known) == 2:
        share = discordance(one.score, other.score, CORRELATION).total
        origin = f"scores of {one.origin} and {other.origin}, correlation {CORRELATION:g} assumed"
        return _paired(share, origin, one.score)
    share = discordance(0.5, 0.5, CORRELATION).total
    return _paired(share, f"assumed: scores 0.5, the widest, correlation {CORRELATION:g}", 0.5)


def _paired(square: float, origin: str, score: float) -> Spread:
    """`square`: the mean square of a difference, which is the share of differing samples where scores are 0/1."""
    square = max(square, LEAST_SPREAD**2)
    return Spread(math.sqrt(square), origin, score, square)


def _sees(n: int, spread: Spread, *, paired: bool, binary: bool) -> float | None:
    if not paired:
        if binary:
            low, high = wilson(spread.score, n)
            return (high - low) / 2
        return normal_quantile() * spread.value / math.sqrt(n)
    if binary and n <= EXACT_UP_TO:
        return detectable_difference(n, min(1.0, spread.discordant))
    seen = detectable_effect(n, spread.value)
    return seen if seen <= 1 else None


def _suite_sees(parts: Sequence[tuple[int, float]], *, paired: bool) -> float | None:
    """Of the mean over tasks, each counted once: sqrt(sum of s^2/n) / tasks in place of s/sqrt(n)."""
    if len(parts) < 2:
        return None
    stderr = math.sqrt(math.fsum(spread**2 / n for n, spread in parts)) / len(parts)
    return detectable_effect(1, stderr) if paired else normal_quantile() * stderr
