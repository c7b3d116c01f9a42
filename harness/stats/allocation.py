"""How many samples of each task a budget buys: for the smallest differences seen, or for the most that is settled.

The figure that is minimised falls with the square root of n, so that each goal gives samples in fixed proportions
until a task has its least or its most: `largest` by s^2 (all tasks end at the same difference), `mean` by (s/c)^(2/3),
`suite` by s/sqrt(c) (Neyman 1934, J. R. Stat. Soc. 97:558-625, with costs: Cochran 1977, Sampling Techniques, 5.5),
where s is the spread of one sample and c its cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

Goal = Literal["largest", "mean", "suite"]
GOALS: tuple[Goal, ...] = get_args(Goal)
HALVINGS = 100


@dataclass(frozen=True, slots=True)
class Stratum:
    """A task as the allocation sees it: what one more sample costs, its spread, and the fewest and most samples."""

    cost: float
    spread: float
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a curve: with `n` samples of a task so much is settled (`worth`), for `cost` in all."""

    n: int
    cost: float
    worth: float


def allocate(strata: Sequence[Stratum], budget: float, goal: Goal) -> tuple[int, ...]:
    """Return the samples of each task within the budget: minimise the largest, the mean, or the suite's difference.

    Raises ValueError where not even the least of all is within the budget, or for a cost or spread that is not
    positive.
    """
    if any(one.cost <= 0 or one.spread <= 0 or not 0 < one.least <= one.most for one in strata):
        raise ValueError("a task needs a cost and a spread above 0, and 0 < least <= most")
    if _spent(strata, [one.least for one in strata]) > budget:
        raise ValueError("the least of all tasks costs more than the budget")
    if _spent(strata, [one.most for one in strata]) <= budget:
        return tuple(one.most for one in strata)
    weights = [_weight(goal)(one) for one in strata]
    # Whole samples for a factor that is within the budget; the search is for the largest one
    low, high = 0.0, max(one.most / weight for one, weight in zip(strata, weights, strict=True))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = _spent(strata, _at(strata, weights, middle)) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return _topped_up(strata, _at(strata, weights, low), budget, goal)


def most_settled(curves: Sequence[Sequence[Step]], budget: float) -> tuple[Step | None, ...]:
    """Return a step of each curve, within the budget, so that together they are worth the most; None: nothing.

    Greedy along the upper concave envelope of each curve, by worth per cost: the best by Dantzig's bound (1957, Oper.
    Res. 5:266-277) but for the last step, which may not fit; then smaller steps fill what is left.
    """
    chosen: list[Step | None] = [None] * len(curves)
    left = budget
    climbs = [
        (_rate(before, after), place, after)
        for place, curve in enumerate(curves)
        for before, after in _climbs(curve)
        if _worth(after) > _worth(before)
    ]
    for _, place, after in sorted(climbs, key=lambda climb: -climb[0]):
        now = chosen[place]
        if (more := after.cost - _cost(now)) <= left and after.worth > _worth(now):
            chosen[place], left = after, left - more
    for place, curve in enumerate(curves):
        now = chosen[place]
        better = [step for step in curve if step.cost - _cost(now) <= left and step.worth > _worth(now) + 1e-12]
        if better:
            best = max(better, key=lambda step: step.worth)
            chosen[place], left = best, left - (best.cost - _cost(now))
    return tuple(chosen)


def _weight(goal: Goal) -> Callable[[Stratum], float]:
    return {
        "largest": lambda one: one.spread**2,
        "mean": lambda one: (one.spread / one.cost) ** (2 / 3),
        "suite": lambda one: one.spread / math.sqrt(one.cost),
    }[goal]


def _at(strata: Sequence[Stratum], weights: Sequence[float], factor: float) -> list[int]:
    return [
        min(one.most, max(one.least, math.floor(factor * weight))) for one, weight in zip(strata, weights, strict=True)
    ]


def _spent(strata: Sequence[Stratum], sizes: Sequence[int]) -> float:
    return math.fsum(one.cost * n for one, n in zip(strata, sizes, strict=True))


def _topped_up(strata: Sequence[Stratum], sizes: list[int], budget: float, goal: Goal) -> tuple[int, ...]:
    """Spend what rounding left, one sample at a time where it helps most."""
    left = budget - _spent(strata, sizes)
    while fitting := [
        place for place, one in enumerate(strata) if sizes[place] < one.most and 0 < one.cost <= left * (1 + 1e-12)
    ]:

        def gain(place: int) -> float:
            one, n = strata[place], sizes[place]
            now = one.spread / math.sqrt(n)
            if goal == "largest":
                return now
            after = one.spread / math.sqrt(n + 1)
            return (now - after if goal == "mean" else now**2 - after**2) / one.cost

        best = max(fitting, key=gain)
        sizes[best] += 1
        left -= strata[best].cost
    return tuple(sizes)


def _climbs(curve: Sequence[Step]) -> list[tuple[Step | None, Step]]:
    """The edges of the upper concave envelope of a curve that begins at nothing, from left to right."""
    hull: list[Step | None] = [None]
    for step in sorted(curve, key=lambda one: (one.cost, one.worth)):
        while len(hull) > 1 and _rate(hull[-2], step) >= _rate(hull[-2], hull[-1]):
            hull.pop()
        hull.append(step)
    return [(before, after) for before, after in pairwise(hull) if after is not None]


def _cost(step: Step | None) -> float:
    return step.cost if step is not None else 0.0


def _worth(step: Step | None) -> float:
    return step.worth if step is not None else 0.0


def _rate(before: Step | None, after: Step | None) -> float:
    more = _cost(after) - _cost(before)
    return (_worth(after) - _worth(before)) / more if more > 0 else math.inf
