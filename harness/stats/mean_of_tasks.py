"""Two models' difference in the weighted mean of several tasks: its interval, and the p-value that agrees with it.

The p-value is the smallest level at which the interval excludes 0. It is about "the mean difference is 0", whatever
the single tasks do: flipping signs is not, as tasks of different sizes may differ in opposite directions. Guarantees
that both are about the same number. Does not guard against samples that were chosen because the models differ on them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.paired import BONETT_PRICE, PairedDifference, interval
from harness.stats.proportions import clopper_pearson_lower, clopper_pearson_upper

# No smaller p is reported, and none is off by more than this share
LEAST_P = 1e-12
PRECISION = 1e-4


@dataclass(frozen=True, slots=True)
class WeightedTask:
    """A task's paired difference and its weight in the mean."""

    weight: float
    seen: PairedDifference


def mean_bounds(tasks: Sequence[WeightedTask], *, shared: bool = False, alpha: float = 0.05) -> tuple[float, float]:
    """Return the interval of the weighted mean of the differences, of confidence 1 - alpha.

    The tasks' distances to their own bounds are squared and added, below and above apart (Zou and Donner 2008, Stat.
    Med. 27:1693-1702); where tasks have the same samples (`shared`), added, as if fully correlated. Of tasks with
    answers right or wrong the bounds are in the same way those of the shares of wins and of losses, Clopper and
    Pearson's, with the correlation of the two (as Newcombe 1998, Stat. Med. 17:2635-2650, method 10): Bonett and
    Price's are normal, and far in the tails, where many pairs take Holm, too short. Others: `paired.interval`.
    """
    mean = math.fsum(task.weight * task.seen.difference for task in tasks)
    return mean - _distance(tasks, shared, alpha, upward=False), mean + _distance(tasks, shared, alpha, upward=True)


def mean_p_value(tasks: Sequence[WeightedTask], *, shared: bool = False) -> float:
    """Return the two-sided p-value of "the weighted mean of the differences is 0", by inverting `mean_bounds`."""
    mean = math.fsum(task.weight * task.seen.difference for task in tasks)
    upward = mean < 0

    def excluded(alpha: float) -> bool:
        return abs(mean) > _distance(tasks, shared, alpha, upward=upward) + 1e-12

    low, high = LEAST_P, 1.0
    if excluded(low):
        return low
    # By ratios, so that small ones are as precise as large ones
    while high / low > 1 + PRECISION:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if excluded(middle) else (middle, high)
    return high


def _distance(tasks: Sequence[WeightedTask], shared: bool, alpha: float, *, upward: bool) -> float:
    parts = [task.weight * _to_bound(task.seen, alpha, upward=upward) for task in tasks]
    return math.fsum(parts) if shared else math.hypot(*parts)


def _to_bound(seen: PairedDifference, alpha: float, *, upward: bool) -> float:
    """How far a task's bound is from its difference."""
    if seen.method != BONETT_PRICE:
        low, high = interval(seen, 1 - alpha)
        return high - seen.difference if upward else seen.difference - low
    n = seen.units
    rising, falling = (seen.wins, seen.losses) if upward else (seen.losses, seen.wins)
    one_sided = 1 - alpha / 2
    # At low confidence a bound may be on the other side of the share
    above = max(0.0, clopper_pearson_upper(rising, n, one_sided) - rising / n)
    below = max(0.0, falling / n - clopper_pearson_lower(falling, n, one_sided))
    # Shares of one multinomial: the more there is of one, the less there can be of the other
    odds = [(count + 0.5) / (n - count + 0.5) for count in (rising, falling)]
    correlation = min(1.0, math.sqrt(odds[0] * odds[1]))
    most = 1 - seen.difference if upward else 1 + seen.difference
    return min(most, math.sqrt(above**2 + below**2 + 2 * correlation * above * below))
