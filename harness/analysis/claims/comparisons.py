"""Two models' scores against each other, for "outperforms", "matches" and "competitive".

Paired where both answered the same samples here; unpaired where all that is known are two printed shares, which costs
most of the power. Differences are subject minus comparator. "Not significantly different" never becomes "matches".
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.analysis.claims.scores import Bounds, p_above, p_below
from harness.analysis.claims.verdict import Test
from harness.analysis.equivalence import non_inferiority_size, tost_size
from harness.analysis.intervals import normal_quantile, wilson
from harness.analysis.paired import MCNEMAR, interval, paired_difference, paired_p_value
from harness.analysis.power import difference_size
from harness.analysis.proportions import binomial_p_value, hypergeometric_p_value


@dataclass(frozen=True, slots=True)
class Differed:
    """A difference with its 95 % interval and the test of the relation; `baseline` is the comparator's score."""

    difference: float
    low: float
    high: float
    n: int
    baseline: float
    method: str
    test: Test


def paired_test(
    values: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[Hashable] | None,
    relation: str,
    margin: float,
) -> Differed:
    """Hold the subject's `values` against the comparator's, sample by sample.

    Raises ValueError as `paired_difference` does.
    """
    seen = paired_difference(values, baseline, clusters)
    exact = None
    if margin == 0:
        p, test = paired_p_value(values, baseline, clusters)
        exact = _one_sided(seen.difference, p) if test != MCNEMAR else _mcnemar(seen.wins, seen.losses)
    spread = seen.spread * math.sqrt(seen.n)
    found = _test(lambda confidence: interval(seen, confidence), relation, margin, exact)
    needed = _needed(seen.difference, spread, relation, margin, seen.n)
    return Differed(
        seen.difference,
        seen.low,
        seen.high,
        seen.n,
        math.fsum(baseline) / seen.n,
        {"bonett_price": "Bonett-Price, paired", "wilson": "Wilson, paired"}.get(seen.method, f"paired, {seen.method}"),
        Test(*found, needed),
    )


def unpaired_test(first: tuple[int, int], second: tuple[int, int], relation: str, margin: float) -> Differed:
    """Hold the subject's (k, n) against the comparator's, as if they were two sets of samples.

    Newcombe's interval; "greater" by Fisher's one-sided exact test. Sources: Newcombe 1998, Stat. Med. 17:873-890;
    Fisher 1935. Raises ValueError for counts that cannot be.
    """
    (k, n), (other_k, other_n) = first, second
    one, other = k / n, other_k / other_n
    exact = None
    if margin == 0:
        right, size = k + other_k, n + other_n
        exact = (
            hypergeometric_p_value((k, n), right, size, "greater"),
            hypergeometric_p_value((k, n), right, size, "less"),
        )
    found = _test(lambda confidence: newcombe(first, second, confidence), relation, margin, exact)
    spread = math.sqrt(one * (1 - one) + other * (1 - other))
    needed = _needed(one - other, spread, relation, margin, min(n, other_n))
    return Differed(
        one - other, *newcombe(first, second), min(n, other_n), other, "Newcombe, unpaired", Test(*found, needed)
    )


def newcombe(first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95) -> tuple[float, float]:
    """Return the hybrid score interval of p_first - p_second, each (k, n). Source: Newcombe 1998, method 10."""
    (k, n), (other_k, other_n) = first, second
    one, other, z = k / n, other_k / other_n, normal_quantile(confidence)
    low, high = wilson(one, n, z)
    other_low, other_high = wilson(other, other_n, z)
    below = math.hypot(one - low, other_high - other)
    above = math.hypot(high - one, other - other_low)
    return one - other - below, one - other + above


def _test(bounds: Bounds, relation: str, margin: float, exact: tuple[float, float] | None) -> tuple[float, float]:
    """(p against the relation, p for it). `exact`: p-values of "no better" and "no worse" without a margin."""
    if relation in ("<", "<="):
        better, worse = exact[::-1] if exact else (p_below(bounds, margin), p_above(bounds, margin))
        return worse, better
    if relation == "within":
        in_favour = max(p_above(bounds, -margin), p_below(bounds, margin))
        # Beyond one end or the other: two tests
        return min(1.0, 2 * min(p_below(bounds, -margin), p_above(bounds, margin))), in_favour
    better, worse = exact or (p_above(bounds, -margin), p_below(bounds, -margin))
    return worse, better


def _mcnemar(wins: int, losses: int) -> tuple[float, float]:
    """One-sided exact p-values of "no better" and "no worse" (McNemar 1947)."""
    n = wins + losses
    if not n:
        return 1.0, 1.0
    return binomial_p_value(wins, n, 0.5, "greater"), binomial_p_value(wins, n, 0.5, "less")


def _one_sided(difference: float, p: float) -> tuple[float, float]:
    """Halves of a symmetric two-sided p-value."""
    return (p / 2, 1 - p / 2) if difference > 0 else (1 - p / 2, p / 2) if difference < 0 else (1.0, 1.0)


def _needed(difference: float, spread: float, relation: str, margin: float, n: int) -> int | None:
    """Samples more to show the relation (or, of a difference, its opposite) if the truth is what was seen."""
    try:
        if relation == "within":
            total = tost_size(spread, margin, difference)
        elif margin and difference > -margin:
            total = non_inferiority_size(spread, margin, difference)
        else:
            total = difference_size(difference + margin, spread)
    except ValueError:
        return None
    return max(1, math.ceil(total) - n)
