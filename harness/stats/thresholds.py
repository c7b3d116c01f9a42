"""Tests of one model's score and a threshold: exact for samples of 0 or 1, certain for a completely run benchmark.

Guarantees as the functions of `proportions`. A score on exactly these items (`about: benchmark`) has no sampling error
once all are run; the skill behind it has. Graded values, repeats and clusters go by bets (`fixed_bets`), a mean of
tasks by Hoeffding's bound (`bounded_sum`): an interval of a normal kind, inverted, showed a false "at least" in up to
27 % of cases.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from harness.stats.bounded_sum import weighted_mean_interval, weighted_mean_p_value
from harness.stats.fixed_bets import bets_interval, bets_p_value, needed_by_bets
from harness.stats.hypothesis import HypothesisTest
from harness.stats.power import refutation_size, support_size
from harness.stats.proportions import (
    binomial_p_value,
    clopper_pearson,
    finite_interval,
    hypergeometric_p_value,
    least_right,
)

# Of one task: values, and the cluster of each
ClusteredValues = tuple[Sequence[float], Sequence[Hashable]]
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

    def least_count(self, size: int) -> int:
        """How many of `size` items must be right (for "at most" wrong) to meet it; 0: none, size + 1: none can."""
        share = self.value if self.at_least else 1 - self.value
        must = least_right(min(1.0, max(0.0, share)), size)
        return must + (self.strict and abs(must - share * size) < 1e-9)


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
        against, in_favour = _finite(right, n, bar.least_count(bar.size), bar.size)
        needed = bar.size - n
        low, high = finite_interval(k, n, bar.size)
        method = "all items" if n == bar.size else "exact, these items"
    return Scored(k / n, low, high, n, method, HypothesisTest(against, in_favour, needed))


def mean_test(values: Sequence[float], clusters: Sequence[Hashable] | None, bar: Bar) -> Scored:
    """Test the mean of values from 0 to 1 against the bar, by bets on all of them; the interval is that of the bets.

    For graded values, values of several tries and samples that share a cluster; see `fixed_bets`. Raises ValueError for
    no values, or one out of the range.
    """
    if bar.width is not None:
        return _equal(bar, lambda side: mean_test(values, clusters, side))
    n = len(values)
    above = bets_p_value(values, clusters, bar.value)
    below = bets_p_value([1 - value for value in values], clusters, 1 - bar.value)
    low, high = bets_interval(values, clusters)
    grouped = clusters is not None and len(set(clusters)) < n
    method = "bets, clustered" if grouped else "bets"
    found = (below, above) if bar.at_least else (above, below)
    return Scored(math.fsum(values) / n, low, high, n, method, HypothesisTest(*found, needed_by_bets(found, n)))


def macro_test(parts: Sequence[ClusteredValues], bar: Bar, *, shared: bool = False) -> Scored:
    """Test the plain mean of several tasks' scores against the bar, by the bound of `bounded_sum`.

    A part is the values of one task and the cluster of each. `shared`: the same cluster in two tasks is one unit, as
    where they have the same samples. Raises ValueError for no values.
    """
    if bar.width is not None:
        return _equal(bar, lambda side: macro_test(parts, side, shared=shared))
    shares: dict[Hashable, list[tuple[float, float]]] = defaultdict(list)
    for task, (values, clusters) in enumerate(parts):
        weight = 1 / (len(parts) * len(values))
        for value, cluster in zip(values, clusters, strict=True):
            shares[cluster if shared else (task, cluster)].append((weight, value))
    sums = [(math.fsum(w for w, _ in unit), math.fsum(w * value for w, value in unit)) for unit in shares.values()]
    units = [(weight, total / weight) for weight, total in sums]
    above = weighted_mean_p_value(units, bar.value)
    below = weighted_mean_p_value([(weight, 1 - value) for weight, value in units], 1 - bar.value)
    found = (below, above) if bar.at_least else (above, below)
    mean, n = math.fsum(total for _, total in sums), sum(len(values) for values, _ in parts)
    return Scored(mean, *weighted_mean_interval(units), n, "Hoeffding, macro", HypothesisTest(*found))


def _equal(bar: Bar, one_sided: Callable[[Bar], Scored]) -> Scored:
    """Test that the score is within `bar.width` of the value: both one-sided tests (Schuirmann 1987).

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
