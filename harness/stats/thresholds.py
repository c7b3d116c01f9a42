"""Tests of one model's score and a threshold: exact for samples of 0 or 1, certain for a completely run benchmark.

Guarantees as the functions of `proportions`. A score on exactly these items (`about: benchmark`) has no sampling error
once all are run; the skill behind it has. Repeats and clusters go by the interval of `intervals.mean_interval`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from harness.stats.hypothesis import HypothesisTest
from harness.stats.intervals import (
    clustered_standard_error,
    normal_quantile,
    standard_error,
    t_quantile,
    wilson,
)
from harness.stats.power import refutation_size, support_size
from harness.stats.proportions import (
    binomial_p_value,
    clopper_pearson,
    hypergeometric_p_value,
    least_right,
)

Bounds = Callable[[float], tuple[float, float]]
Interval = tuple[float, float]
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Bar:
    """The threshold of a score: `at_least` the value (or, if not, at most it).

    `strict`: and not equal to it. `size` is the number of the benchmark's items if the sentence is about exactly these.
    `width`: the score must equal the value, to within so much on either side; `at_least` and `strict` then say nothing.
    """

    value: float
    at_least: bool = True
    strict: bool = False
    size: int | None = None
    width: float | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with its 95 % interval and the test of it."""

    value: float
    low: float
    high: float
    n: int
    method: str
    test: HypothesisTest


def count_test(k: int, n: int, bar: Bar, alpha: float = 0.05) -> Scored:
    """Test k right answers of n against the bar, by the exact binomial or hypergeometric test.

    Raises ValueError unless 0 <= k <= n, n >= 1 and n is at most the benchmark's size.
    """
    if bar.width is not None:
        return _equal(bar, lambda side: count_test(k, n, side, alpha))
    low, high = clopper_pearson(k, n)
    method = "Clopper-Pearson"
    right, value = (k, bar.value) if bar.at_least else (n - k, 1 - bar.value)
    if bar.size is None:
        against = binomial_p_value(right, n, value, "less")
        in_favour = binomial_p_value(right, n, value, "greater")
        # A result far beyond alpha needs no search, which is slow for a value close to the bar
        needed = 1 if min(against, in_favour) <= alpha / 10 else _needed(right, n, value, alpha)
    else:
        must = least_right(value, bar.size)
        must += bar.strict and abs(must - value * bar.size) < 1e-9
        against, in_favour = _finite(right, n, must, bar.size)
        needed = bar.size - n
        if n == bar.size:
            low = high = k / n
            method = "all items"
    return Scored(k / n, low, high, n, method, HypothesisTest(against, in_favour, needed))


def mean_test(values: Sequence[float], clusters: Sequence[Hashable] | None, bar: Bar) -> Scored:
    """Test the mean of values from 0 to 1 against the bar, by Wilson's form with Student's t at the effective n.

    For values of several tries and for samples that share a cluster; see `intervals.mean_interval`. Raises ValueError
    for no values.
    """
    if bar.width is not None:
        return _equal(bar, lambda side: mean_test(values, clusters, side))
    mean, n = math.fsum(values) / len(values), len(values)
    units = len(set(clusters)) if clusters is not None else n
    spread = standard_error(values) if n > 1 else 0.0
    if clusters is not None and 1 < units < n:
        spread = max(spread, clustered_standard_error(values, clusters))

    def bounds(confidence: float) -> Interval:
        if units < 2 or spread < 1e-12:
            return wilson(mean, units, normal_quantile(confidence))
        return wilson(mean, mean * (1 - mean) / spread**2, t_quantile(units - 1, confidence))

    return _scored(mean, n, bounds, bar, "Wilson, clustered" if units < n else "Wilson, Student's t")


def macro_test(parts: Sequence[tuple[float, float, int]], bar: Bar) -> Scored:
    """Test the plain mean of several tasks' scores against the bar; a part is (mean, standard error, n).

    Wilson's form at the effective n = mean * (1 - mean) / sum of squared standard errors over tasks squared.
    """
    if bar.width is not None:
        return _equal(bar, lambda side: macro_test(parts, side))
    count = len(parts)
    mean = math.fsum(part[0] for part in parts) / count
    # No part is more precise than its n allows, however equal its values
    errors = [max(error, math.sqrt((low := (1 / (n + 2))) * (1 - low) / n)) for _, error, n in parts]
    spread = math.sqrt(math.fsum(error**2 for error in errors)) / count
    effective = max(mean * (1 - mean), 0.25 / (min(p[2] for p in parts) + 1)) / spread**2
    return _scored(
        mean, sum(p[2] for p in parts), lambda c: wilson(mean, effective, normal_quantile(c)), bar, "Wilson, macro"
    )


def _equal(bar: Bar, one_sided: Callable[[Bar], Scored]) -> Scored:
    """HypothesisTest that the score is within `bar.width` of the value: both one-sided tests (Schuirmann 1987).

    Refuted beyond one end or the other, hence twice the smaller p.
    """
    width = bar.width or 0.0
    low, high = round(bar.value - width, 12), round(bar.value + width, 12)
    sides = [
        one_sided(Bar(edge, at_least, size=bar.size)) for edge, at_least in ((low, True), (high, False)) if 0 < edge < 1
    ]
    against = min(1.0, len(sides) * min(side.test.p_against for side in sides))
    needed = [side.test.needed for side in sides]
    more = None if any(one is None for one in needed) else max(one or 0 for one in needed)
    return replace(sides[0], test=HypothesisTest(against, max(side.test.p_for for side in sides), more))


def p_above(bounds: Bounds, bound: float) -> float:
    """The one-sided p-value of "the truth is at or below `bound`", by inverting an interval.

    `bounds(confidence)` is the two-sided interval; p is the smallest level at which its lower end is above the bound.
    """
    level = _smallest(lambda confidence: bounds(confidence)[0] > bound)
    if level < 0.5:
        return level
    return 1 - _smallest(lambda confidence: bounds(confidence)[1] < bound)


def p_below(bounds: Bounds, bound: float) -> float:
    """The one-sided p-value of "the truth is at or above `bound`"."""
    return p_above(lambda confidence: (-bounds(confidence)[1], -bounds(confidence)[0]), -bound)


def _smallest(shown: Callable[[float], bool]) -> float:
    """The smallest one-sided level at which something is shown; 1/2 if it never is."""
    low, high = 0.0, 0.5
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(1 - 2 * middle) else (middle, high)
    return high


def _scored(mean: float, n: int, bounds: Bounds, bar: Bar, method: str) -> Scored:
    above, below = p_above(bounds, bar.value), p_below(bounds, bar.value)
    against, in_favour = (below, above) if bar.at_least else (above, below)
    return Scored(mean, *bounds(0.95), n, method, HypothesisTest(against, in_favour))


def _finite(right: int, n: int, must: int, size: int) -> tuple[float, float]:
    """P-values of "at least `must` of the items" and of its opposite; 0 or 1 where it is certain."""
    if must <= 0:
        return 1.0, 0.0
    if must > size:
        return 0.0, 1.0
    against = hypergeometric_p_value((right, n), must, size, "less")
    return against, hypergeometric_p_value((right, n), must - 1, size, "greater")


def _needed(right: int, n: int, bar: float, alpha: float) -> int | None:
    """Further samples to settle it with power 0.8 if the observed value is true; None where that equals the bar."""
    # No sample can show a true value of 0 or 1
    seen = (right + 0.5) / (n + 1)
    try:
        size = (refutation_size if seen < bar else support_size)(bar, seen, alpha, POWER)
    except ValueError:
        return None
    return max(1, (size.stays or size.n) - n)
