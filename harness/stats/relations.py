"""Tests of two models' scores: "outperforms", "matches" and "competitive".

Paired where both models answered the same samples; unpaired where only two published shares are known, which costs
most of the power. Differences are subject minus comparator. "Not significantly different" never becomes "matches".
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.stats.hypothesis import HypothesisTest
from harness.stats.intervals import normal_quantile, wilson
from harness.stats.paired import MCNEMAR, interval, paired_difference, paired_p_value
from harness.stats.power import ALPHA, difference_size, tost_size
from harness.stats.proportions import binomial_p_value, hypergeometric_p_value
from harness.stats.thresholds import Bar, Bounds, mean_test, p_above, p_below
from harness.stats.two_model_power import Discordance, mcnemar_size


@dataclass(frozen=True, slots=True)
class Differed:
    """A difference with its 95 % interval and the test of the relation; `baseline` is the comparator's score."""

    difference: float
    low: float
    high: float
    n: int
    baseline: float
    method: str
    test: HypothesisTest


@dataclass(frozen=True, slots=True)
class Gap:
    """The relation to test: what the difference from the comparator must be.

    `upward`: above `shift` (or, if not, below it); with `within`: between -margin and margin. With `times` the
    difference is subject - times * comparator, so that above 0 means at least `times` as much.
    """

    upward: bool = True
    shift: float = 0.0
    margin: float = 0.0
    within: bool = False
    times: float = 1.0


def paired_test(
    values: Sequence[float], baseline: Sequence[float], clusters: Sequence[Hashable] | None, gap: Gap
) -> Differed:
    """Compare the subject's `values` with the comparator's, sample by sample.

    Raises ValueError as `paired_difference` does.
    """
    if gap.times != 1:
        return _paired_ratio(values, baseline, clusters, gap)
    seen = paired_difference(values, baseline, clusters)
    exact, needed = None, None
    if gap.shift == 0 and not gap.within:
        p, test = paired_p_value(values, baseline, clusters)
        exact = _one_sided(seen.difference, p) if test != MCNEMAR else _mcnemar(seen.wins, seen.losses)
        if test == MCNEMAR:
            size = mcnemar_size(Discordance(seen.wins / seen.n, seen.losses / seen.n), two_sided=False)
            needed = None if size is None else max(1, size - seen.n)
    spread = seen.spread * math.sqrt(seen.n)
    found = _test(lambda confidence: interval(seen, confidence), gap, exact)
    needed = needed or _needed(seen.difference, spread, gap, seen.n)
    return Differed(
        seen.difference,
        seen.low,
        seen.high,
        seen.n,
        math.fsum(baseline) / seen.n,
        {"bonett_price": "Bonett-Price, paired", "wilson": "Wilson, paired"}.get(seen.method, f"paired, {seen.method}"),
        HypothesisTest(*found, needed),
    )


def _paired_ratio(
    values: Sequence[float], baseline: Sequence[float], clusters: Sequence[Hashable] | None, gap: Gap
) -> Differed:
    """The contrast value - times * baseline of each sample, moved to [0, 1] and tested as any mean of such values."""
    whole = 1 + gap.times
    shares = [(value - gap.times * base + gap.times) / whole for value, base in zip(values, baseline, strict=True)]
    found = mean_test(shares, clusters, Bar((gap.times + gap.shift) / whole, gap.upward))
    low, high = (whole * bound - gap.times for bound in (found.low, found.high))
    base = math.fsum(baseline) / len(baseline)
    contrast = math.fsum(values) / len(values) - gap.times * base
    return Differed(contrast, low, high, found.n, base, f"paired, {found.method}", found.test)


def unpaired_test(first: tuple[int, int], second: tuple[int, int], gap: Gap) -> Differed:
    """Compare the subject's (k, n) with the comparator's, as if they were two sets of samples.

    Newcombe's interval; "greater" by Fisher's one-sided exact test. Sources: Newcombe 1998, Stat. Med. 17:873-890;
    Fisher 1935. Raises ValueError for counts that cannot be.
    """
    (k, n), (other_k, other_n) = first, second
    one, other = k / n, other_k / other_n
    exact = None
    if gap == Gap(gap.upward):
        right, size = k + other_k, n + other_n
        exact = (
            hypergeometric_p_value((k, n), right, size, "greater"),
            hypergeometric_p_value((k, n), right, size, "less"),
        )
    difference = one - gap.times * other
    found = _test(lambda confidence: newcombe(first, second, confidence, gap.times), gap, exact)
    spread = math.sqrt(one * (1 - one) + gap.times**2 * other * (1 - other))
    needed = _needed(difference, spread, gap, min(n, other_n))
    bounds = newcombe(first, second, times=gap.times)
    return Differed(difference, *bounds, min(n, other_n), other, "Newcombe, unpaired", HypothesisTest(*found, needed))


def newcombe(
    first: tuple[int, int], second: tuple[int, int], confidence: float = 0.95, times: float = 1.0
) -> tuple[float, float]:
    """Return the hybrid score interval of p_first - times * p_second, each (k, n).

    Sources: Newcombe 1998, method 10; with a factor Zou and Donner 2008, Stat. Med. 27:1693-1702.
    """
    (k, n), (other_k, other_n) = first, second
    one, other, z = k / n, other_k / other_n, normal_quantile(confidence)
    low, high = wilson(one, n, z)
    other_low, other_high = wilson(other, other_n, z)
    below = math.hypot(one - low, times * (other_high - other))
    above = math.hypot(high - one, times * (other - other_low))
    return one - times * other - below, one - times * other + above


def _test(bounds: Bounds, gap: Gap, exact: tuple[float, float] | None) -> tuple[float, float]:
    """(p against the relation, p for it). `exact`: p-values of "no better" and "no worse" without a margin."""
    if gap.within:
        in_favour = max(p_above(bounds, -gap.margin), p_below(bounds, gap.margin))
        # Beyond one end or the other: two tests
        return min(1.0, 2 * min(p_below(bounds, -gap.margin), p_above(bounds, gap.margin))), in_favour
    above, below = exact or (p_above(bounds, gap.shift), p_below(bounds, gap.shift))
    return (below, above) if gap.upward else (above, below)


def _mcnemar(wins: int, losses: int) -> tuple[float, float]:
    """One-sided exact p-values of "no better" and "no worse" (McNemar 1947)."""
    n = wins + losses
    if not n:
        return 1.0, 1.0
    return binomial_p_value(wins, n, 0.5, "greater"), binomial_p_value(wins, n, 0.5, "less")


def _one_sided(difference: float, p: float) -> tuple[float, float]:
    """Halves of a symmetric two-sided p-value."""
    return (p / 2, 1 - p / 2) if difference > 0 else (1 - p / 2, p / 2) if difference < 0 else (1.0, 1.0)


def _needed(difference: float, spread: float, gap: Gap, n: int) -> int | None:
    """Further samples to show the relation (or, of a difference, its opposite) if the observed one is the true one."""
    try:
        if gap.within:
            total = tost_size(spread, gap.margin, difference)
        else:
            # One-sided: twice the alpha of a two-sided test
            total = difference_size(difference - gap.shift, spread, 2 * ALPHA)
    except ValueError:
        return None
    return max(1, math.ceil(total) - n)
