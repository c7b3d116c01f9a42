"""Tests of two models' scores: "outperforms", "matches" and "competitive".

Paired where both models answered the same samples; unpaired where only two published shares are known, which costs
most of the power. Differences are subject minus comparator. "Not significantly different" never becomes "matches".

With a margin, pairs are tested exactly (`margin_test`), graded or clustered ones and ratios by bets on all of them
(`bets`), which holds for any values within the range but takes about twice the samples. The interval beside a margin
is not inverted (a ratio's is): those of Bonett and Price and of Student's t are too short where two models hardly ever
differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from harness.stats.bets import GRADED_DIFFERENCES, Range
from harness.stats.fixed_bets import bets_interval, bets_p_value, needed_by_bets
from harness.stats.hypothesis import HypothesisTest
from harness.stats.intervals import normal_quantile, wilson
from harness.stats.margin_power import margin_size
from harness.stats.margin_test import margin_p_value
from harness.stats.paired import MCNEMAR, PairedDifference, paired_difference, paired_p_value
from harness.stats.power import ALPHA, difference_size, tost_size
from harness.stats.proportions import binomial_p_value, hypergeometric_p_value
from harness.stats.two_model_power import Discordance, Margins, mcnemar_size
from harness.stats.unpaired_margin import unpaired_margin_p_value, unpaired_margin_p_value_below

Tail = Callable[[float], float]
# Below this two sums of values are one
ROUNDING = 1e-9


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
    needed: int | None = None
    if gap.shift or gap.within:
        found, needed = _with_margin(values, baseline, clusters, gap, seen)
    else:
        p, test = paired_p_value(values, baseline, clusters)
        exact = _one_sided(seen.difference, p) if test != MCNEMAR else _mcnemar(seen.wins, seen.losses)
        if test == MCNEMAR:
            size = mcnemar_size(Discordance(seen.wins / seen.n, seen.losses / seen.n), two_sided=False)
            needed = None if size is None else max(1, size - seen.n)
        found = (exact[1], exact[0]) if gap.upward else exact
        needed = needed or _needed(seen.difference, seen.spread * math.sqrt(seen.n), gap, seen.n)
    return Differed(
        seen.difference,
        seen.low,
        seen.high,
        seen.n,
        math.fsum(baseline) / seen.n,
        {"bonett_price": "Bonett-Price, paired", "wilson": "Wilson, paired"}.get(seen.method, f"paired, {seen.method}"),
        HypothesisTest(*found, needed),
    )


def _with_margin(
    values: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[Hashable] | None,
    gap: Gap,
    seen: PairedDifference,
) -> tuple[tuple[float, float], int | None]:
    """((p against, p for), samples still needed) of a relation with a margin."""
    if seen.units == seen.n and all(value in (0, 1) for value in (*values, *baseline)):
        found = _relation(
            lambda shift: margin_p_value(seen.wins, seen.losses, seen.n, shift),
            lambda shift: margin_p_value(seen.losses, seen.wins, seen.n, -shift),
            gap,
        )
        return found, _needed_pairs(seen, gap, min(found))
    differences = [value - base for value, base in zip(values, baseline, strict=True)]
    found = _bets(differences, clusters, gap, GRADED_DIFFERENCES)
    return found, needed_by_bets(found, seen.n)


def _bets(
    contrasts: Sequence[float], clusters: Sequence[Hashable] | None, gap: Gap, values: Range
) -> tuple[float, float]:
    """(p against, p for) of a relation of the mean of any values within a range."""
    return _relation(
        lambda shift: bets_p_value(contrasts, clusters, shift, values),
        lambda shift: bets_p_value([-one for one in contrasts], clusters, -shift, values.mirrored),
        gap,
    )


def whole_test(values: Sequence[float], baseline: Sequence[float], gap: Gap, *, strict: bool) -> Differed:
    """Compare both models on all items that the statement is about: the difference has no sampling error.

    `strict`: a difference exactly at the shift does not meet the relation. Raises ValueError for no samples.
    """
    n = len(values)
    if not n:
        raise ValueError("a difference needs a sample at least")
    base = math.fsum(baseline) / n
    difference = math.fsum(values) / n - gap.times * base
    if gap.within:
        holds = abs(difference) <= gap.margin + ROUNDING
    else:
        ahead = (difference - gap.shift) * (1 if gap.upward else -1)
        holds = ahead > ROUNDING if strict else ahead >= -ROUNDING
    test = HypothesisTest(1.0, 0.0, 0) if holds else HypothesisTest(0.0, 1.0, 0)
    return Differed(difference, difference, difference, n, base, "all items", test)


def _paired_ratio(
    values: Sequence[float], baseline: Sequence[float], clusters: Sequence[Hashable] | None, gap: Gap
) -> Differed:
    """The contrast value - times * baseline of each sample, tested by bets; the interval is that of the bets."""
    contrasts = [value - gap.times * base for value, base in zip(values, baseline, strict=True)]
    n, reach = len(contrasts), Range(-gap.times, 1.0)
    both = _bets(contrasts, clusters, gap, reach)
    low, high = bets_interval(contrasts, clusters, reach)
    method = "paired, bets, clustered" if clusters is not None and len(set(clusters)) < n else "paired, bets"
    test = HypothesisTest(*both, needed_by_bets(both, n))
    return Differed(math.fsum(contrasts) / n, low, high, n, math.fsum(baseline) / n, method, test)


def unpaired_test(first: tuple[int, int], second: tuple[int, int], gap: Gap) -> Differed:
    """Compare the subject's (k, n) with the comparator's, as if they were two sets of samples.

    "Greater" by Fisher's one-sided exact test, with a margin or a ratio by that of `unpaired_margin`; the interval is
    Newcombe's. Sources: Fisher 1935; Newcombe 1998, Stat. Med. 17:873-890. Raises ValueError for counts that cannot be.
    """
    (k, n), (other_k, other_n) = first, second
    one, other = k / n, other_k / other_n
    if gap == Gap(gap.upward):
        right, size = k + other_k, n + other_n
        up, down = (hypergeometric_p_value((k, n), right, size, side) for side in ("greater", "less"))
        found = (down, up) if gap.upward else (up, down)
    else:
        found = _relation(
            lambda shift: unpaired_margin_p_value(first, second, shift, gap.times),
            lambda shift: unpaired_margin_p_value_below(first, second, shift, gap.times),
            gap,
        )
    difference = one - gap.times * other
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


def _relation(above: Tail, below: Tail, gap: Gap) -> tuple[float, float]:
    """(p against the relation, p for it), from the p-values of "at most" (`above`) and "at least" (`below`) a shift."""
    if gap.within:
        in_favour = max(above(-gap.margin), below(gap.margin))
        # Beyond one end or the other: two tests
        return min(1.0, 2 * min(below(-gap.margin), above(gap.margin))), in_favour
    up, down = above(gap.shift), below(gap.shift)
    return (down, up) if gap.upward else (up, down)


def _mcnemar(wins: int, losses: int) -> tuple[float, float]:
    """One-sided exact p-values of "no better" and "no worse" (McNemar 1947)."""
    n = wins + losses
    if not n:
        return 1.0, 1.0
    return binomial_p_value(wins, n, 0.5, "greater"), binomial_p_value(wins, n, 0.5, "less")


def _one_sided(difference: float, p: float) -> tuple[float, float]:
    """Halves of a symmetric two-sided p-value."""
    return (p / 2, 1 - p / 2) if difference > 0 else (1 - p / 2, p / 2) if difference < 0 else (1.0, 1.0)


def _needed_pairs(seen: PairedDifference, gap: Gap, p: float) -> int | None:
    """Further samples until the exact test has power .8, with the shares of wins and losses as they are so far."""
    guess = _needed(seen.difference, seen.spread * math.sqrt(seen.n), gap, seen.n)
    # A result beyond alpha, or a shift that no difference reaches, needs no search, which is slow
    if guess is None or p <= ALPHA or max(abs(gap.shift), gap.margin) >= 1:
        return guess
    truth = Discordance(seen.wins / seen.n, seen.losses / seen.n)
    if gap.within:
        margins = Margins(-gap.margin, gap.margin)
    else:
        margins = Margins(low=gap.shift) if truth.difference > gap.shift else Margins(high=gap.shift)
    return max(1, margin_size(truth, margins, seen.n + guess) - seen.n)


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
