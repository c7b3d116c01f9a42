"""An upper bound of the p-value of a weighted mean of independent values from 0 to 1, each with a mean of its own.

For the plain mean of several tasks' scores: each unit (a sample, or the samples of one cluster) has a weight w, and
only the weighted mean b of the units' means is assumed, not how tasks share it. Chernoff's bound of a sum M is
exp(-t M) times the product of E exp(t w x), and that of a value from 0 to 1 with mean m is at most 1 - m + m exp(t w)
(Hoeffding 1963, J. Am. Stat. Assoc. 58:13-30). The product is the largest at means that Lagrange's multiplier v finds;
any v > 0 bounds it from above, so that a rough search cannot make p too small.

Guarantees: P(p <= alpha) <= alpha for any n, any values and any tasks' means. Needs independent units.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

# Values of t that are tried, and halvings of the search for v and for an end of an interval
STEPS, HALVINGS, ENDS = 200, 40, 26
# Of t times the largest weight
LEAST_T, MOST_T = 1e-3, 60.0

Unit = tuple[float, float]


def weighted_mean_p_value(units: Sequence[Unit], bound: float) -> float:
    """Return the p-value of "the weighted mean is at most `bound`" of units (weight, mean value); weights sum to 1."""
    mean = math.fsum(weight * value for weight, value in units)
    return _p_value(_counts(units), mean, bound)


def weighted_mean_interval(units: Sequence[Unit], confidence: float = 0.95) -> tuple[float, float]:
    """Return the weighted means that are refuted on neither side, each at (1 - confidence) / 2."""
    mean, counts, level = math.fsum(w * x for w, x in units), _counts(units), (1 - confidence) / 2
    return _least(counts, mean, level), 1 - _least(counts, 1 - mean, level)


def _least(counts: Counter[float], mean: float, level: float) -> float:
    """The smallest mean of which "it is at most that" is not refuted."""
    low, high = 0.0, min(1.0, max(0.0, mean))
    for _ in range(ENDS):
        middle = (low + high) / 2
        low, high = (middle, high) if _p_value(counts, mean, middle) <= level else (low, middle)
    return low


def _counts(units: Sequence[Unit]) -> Counter[float]:
    return Counter(round(weight, 12) for weight, _ in units)


def _p_value(counts: Counter[float], mean: float, bound: float) -> float:
    import numpy as np

    if mean <= bound:
        return 1.0
    if bound <= 0:
        return math.exp(-700)
    weights, number = np.array(list(counts)), np.array(list(counts.values()), dtype=float)
    t = np.geomspace(LEAST_T, MOST_T, STEPS)[:, None] / weights.max()
    gain = np.expm1(t * weights)
    # v = exp(log_v) where the means that it gives have the weighted mean `bound`
    low, high = np.full((STEPS, 1), -60.0), np.full((STEPS, 1), 0.0) + np.log((gain / weights).max(axis=1))[:, None]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        means = np.clip(1 / (np.exp(middle) * weights) - 1 / gain, 0.0, 1.0)
        above = (number * weights * means).sum(axis=1, keepdims=True) > bound
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    v = np.exp(high)
    means = np.clip(1 / (v * weights) - 1 / gain, 0.0, 1.0)
    most = (number * (np.log1p(means * gain) - v * weights * means)).sum(axis=1, keepdims=True) + v * bound
    return math.exp(min(0.0, max(-700.0, float((most - t * mean).min()))))
