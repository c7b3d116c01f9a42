"""How much of a score is lost on changed questions: the mean of (original - mean of its variants) over the originals.

Guarantees: each original counts once, whatever the number of its variants; no interval is a point. Does not say why a
score is lower: other numbers may simply be harder ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.stats.intervals import CONFIDENCE, t_quantile
from harness.stats.paired import PairedDifference, paired_difference, paired_p_value, sign_flip

TWO_WAY = "two_way_clustered"
T_TEST = "clustered_t"


@dataclass(frozen=True, slots=True)
class DropTest:
    """A mean difference with its interval and p-value; `n` originals in `units` clusters.

    `test`, `method`: of the p-value and of the interval. `wins`, `losses`: originals that score higher, lower than the
    mean of their variants.
    """

    difference: float
    low: float
    high: float
    p: float
    method: str
    test: str
    n: int
    units: int
    wins: int
    losses: int


def drop(
    originals: Sequence[float],
    variants: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
    materials: Sequence[Sequence[Hashable]] | None = None,
    confidence: float = CONFIDENCE,
) -> DropTest:
    """Return the mean drop over the originals, by the tests of `paired`; values from 0 to 1.

    `variants[i]` are the scores of the variants of original i (one at least), `clusters[i]` its cluster.
    `materials[i]`: what each of these variants was made from, where variants of several originals share it: their
    errors are then dependent in two ways, and the standard error is the largest of that clustered by `clusters`, by
    `materials`, and by both (Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat. 29:238-249), with Student's t at the
    fewer clusters minus 1 for interval and p. Raises ValueError for no originals, or an original without variants.
    """
    if not originals or not len(originals) == len(variants) == len(clusters) or not all(variants):
        raise ValueError("each original needs a score, a cluster, and one variant at least")
    means = [math.fsum(own) / len(own) for own in variants]
    given = list(clusters) if len(set(clusters)) < len(clusters) else None
    seen = paired_difference(originals, means, given, confidence)
    if materials is None:
        p, test = paired_p_value(originals, means, given)
        return _of(seen, p, test)
    spread, units = _two_way(originals, variants, clusters, materials, seen.difference)
    spread = max(spread, seen.spread)
    if units < 2:
        # One template shows nothing of others: the difference could be anything
        return DropTest(seen.difference, -1.0, 1.0, 1.0, TWO_WAY, T_TEST, seen.n, units, seen.wins, seen.losses)
    half = t_quantile(units - 1, confidence) * spread
    p = _t_p(seen.difference / spread, units - 1)
    low, high = max(-1.0, seen.difference - half), min(1.0, seen.difference + half)
    return DropTest(seen.difference, low, high, p, TWO_WAY, T_TEST, seen.n, units, seen.wins, seen.losses)


def difference_of_drops(
    first: Sequence[float], second: Sequence[float], clusters: Sequence[Hashable], confidence: float = CONFIDENCE
) -> DropTest:
    """Return the mean of (drop of a first model - drop of a second) over the same originals; drops from -1 to 1.

    The interval and the sign-flip test of `paired`, of the drops mapped to [0, 1]. Raises ValueError as these do.
    """
    given = list(clusters) if len(set(clusters)) < len(clusters) else None
    halves = [[(value + 1) / 2 for value in own] for own in (first, second)]
    seen = paired_difference(halves[0], halves[1], given, confidence)
    differences = [a - b for a, b in zip(first, second, strict=True)]
    return DropTest(
        2 * seen.difference,
        2 * seen.low,
        2 * seen.high,
        sign_flip(differences, given),
        seen.method,
        "sign_flip",
        seen.n,
        seen.units,
        seen.wins,
        seen.losses,
    )


def kolmogorov_smirnov(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the largest distance between two empirical distributions, from 0 to 1. Raises ValueError for no values.

    A distance only: values of originals and their variants are not independent, so it has no p-value here.
    """
    if not first or not second:
        raise ValueError("a distance needs values on both sides")
    points = sorted({*first, *second})
    ordered = sorted(first), sorted(second)
    places = [0, 0]
    most = 0.0
    for point in points:
        for side in (0, 1):
            while places[side] < len(ordered[side]) and ordered[side][places[side]] <= point:
                places[side] += 1
        most = max(most, abs(places[0] / len(first) - places[1] / len(second)))
    return most


def _of(seen: PairedDifference, p: float, test: str) -> DropTest:
    return DropTest(
        seen.difference, seen.low, seen.high, p, seen.method, test, seen.n, seen.units, seen.wins, seen.losses
    )


def _two_way(
    originals: Sequence[float],
    variants: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
    materials: Sequence[Sequence[Hashable]],
    mean: float,
) -> tuple[float, int]:
    """The standard error, and the fewer clusters of the two ways."""
    sums: list[dict[Hashable, float]] = [defaultdict(float) for _ in range(3)]
    for value, own, cluster, made_from in zip(originals, variants, clusters, materials, strict=True):
        for variant, material in zip(own, made_from, strict=True):
            part = (value - variant - mean) / len(own)
            for by, key in zip(sums, (cluster, material, (cluster, material)), strict=True):
                by[key] += part
    by_cluster, by_material, by_both = (math.fsum(part * part for part in own.values()) for own in sums)
    variance = max(by_cluster, by_material, by_cluster + by_material - by_both)
    return math.sqrt(variance) / len(originals), min(len(sums[0]), len(sums[1]))


def _t_p(statistic: float, freedom: int) -> float:
    """The two-sided p-value of Student's t."""
    from scipy.special import stdtr

    return float(min(1.0, 2 * stdtr(freedom, -abs(statistic))))
