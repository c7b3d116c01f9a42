"""Two models on the same samples: the mean difference with its interval, and whether it could be chance.

A difference is always `values - baseline`, so a positive one means that `values` is better. Values are one per
sample, after repeats are folded; samples of one cluster are correlated.

Which test: McNemar's exact for values that are all 0 or 1 without clusters; the sign-flip permutation of cluster
sums for anything else (`paired_p_value` chooses so). Both are exact under the hypothesis that swapping the two models
changes nothing; neither uses a normal approximation. The interval of 0/1 values is Bonett and Price's, of others
Student's t: an interval may just exclude 0 where the exact test, the more conservative one, has p > .05.

Guarantees: no interval is a point, not even when all differences are alike. Does not guard against samples that
were chosen because the models differ on them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.intervals import (
    CONFIDENCE,
    clustered_standard_error,
    normal_quantile,
    standard_error,
    t_quantile,
    wilson,
)

if TYPE_CHECKING:
    import numpy as np

# 2**20 sign patterns take a second; beyond that they are sampled
MOST_EXACT = 20
DRAWS = 20_000
BONETT_PRICE = "bonett_price"
WILSON = "wilson"
MCNEMAR = "mcnemar"


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Mean of `values - baseline` over n samples in `units` clusters, its interval, and wins and losses by sample.

    `stderr` is Miller's: the (clustered) standard error of the mean of the per-sample differences, None below two
    samples. `spread` is the standard error behind the interval, never 0, for planning.
    """

    difference: float
    low: float
    high: float
    stderr: float | None
    spread: float
    method: str
    n: int
    units: int
    wins: int
    losses: int


def paired_difference(
    values: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> PairedDifference:
    """Return the mean difference with its interval; values from 0 to 1.

    - all 0 or 1, no cluster of two: "bonett_price", the interval of Bonett and Price 2012, J. Educ. Behav.
      Stat. 37:479-488: one discordant sample added on each side, then normal. It has no degenerate case.
    - else "t" or "clustered": the standard error of Miller 2024, arXiv 2411.00640, never below that of independent
      samples; the difference mapped to [0, 1] gets Wilson's form with the t quantile at its effective n (see
      `intervals.mean_interval`), so that it stays within [-1, 1].
    - all differences 0, clustered or graded: as the first with n = the number of clusters. All alike but not 0, or
      one cluster: "wilson" with n = the number of clusters.

    Raises ValueError for no samples, unequal lengths, or values outside [0, 1].
    """
    differences = _differences(values, baseline, clusters)
    n = len(differences)
    units = len(set(clusters)) if clusters is not None else n
    mean = math.fsum(differences) / n
    wins, losses = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    independent = standard_error(differences) if n > 1 else 0.0
    stderr = None if n < 2 else independent
    if clusters is not None and 1 < units < n:
        stderr = clustered_standard_error(differences, clusters)
    spread = max(stderr or 0.0, independent)
    if (_binary(values, baseline) and units == n) or not wins + losses:
        method, spread = BONETT_PRICE, _adjusted(wins, losses, units)[1]
    elif units < 2 or spread < 1e-12:
        method, spread = WILSON, 1 / math.sqrt(units)
    else:
        method = "t" if units == n else "clustered"
    low, high = _bounds(mean, spread, method, (wins, losses, units), confidence)
    return PairedDifference(mean, low, high, stderr, spread, method, n, units, wins, losses)


def interval(seen: PairedDifference, confidence: float) -> tuple[float, float]:
    """Return the interval of the same difference with another confidence."""
    counts = (seen.wins, seen.losses, seen.units)
    return _bounds(seen.difference, seen.spread, seen.method, counts, confidence)


def paired_p_value(
    values: Sequence[float],
    baseline: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    seed: int = 0,
    *,
    enough: int | None = None,
) -> tuple[float, str]:
    """Return the two-sided p-value of "no difference" and the name of the test: "mcnemar" or "sign_flip".

    `enough`: see `sign_flip`.
    """
    differences = _differences(values, baseline, clusters)
    if _binary(values, baseline) and (clusters is None or len(set(clusters)) == len(values)):
        return mcnemar(sum(d > 0 for d in differences), sum(d < 0 for d in differences)), MCNEMAR
    return sign_flip(differences, clusters, seed=seed, enough=enough), "sign_flip"


def mcnemar(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value of `wins` against `losses` among the discordant samples; 1 if there are none.

    Source: McNemar 1947, Psychometrika 12:153-157. Raises ValueError for counts below 0.
    """
    if min(wins, losses) < 0:
        raise ValueError(f"wins and losses are counts, not {wins} and {losses}")
    n, fewer = wins + losses, min(wins, losses)
    ways = 2 * sum(math.comb(n, i) for i in range(fewer + 1))
    # Whole numbers until the one division
    return min(1.0, ways / 2**n) if n else 1.0


def sign_flip(
    differences: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    enough: int | None = None,
) -> float:
    """Return the two-sided p-value of the permutation test that swaps the two models, cluster by cluster.

    The statistic is |sum of differences|. All sign patterns are tried with up to 20 clusters whose sum is not 0;
    beyond that `draws` patterns drawn from `seed`, the observed one counted among them so that p is never too small
    (Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39); where p is below what draws can show, Chernoff's upper
    bound of it (1952, Ann. Math. Stat. 23:493-507), so that Holm over many pairs can still decide. With `enough`
    drawing ends early once so many patterns were as extreme (Besag and Clifford 1991, Biometrika 78:301-304): a large p
    is then less precise and takes a fraction of the time.
    Source: Fisher 1935, The Design of Experiments, section 21; for paired model scores Dror et al. 2018, ACL. Raises
    ValueError for no or non-finite differences.
    """
    import numpy as np

    if not differences or not all(map(math.isfinite, differences)):
        raise ValueError("a permutation test needs at least one difference, all finite")
    sums, _ = cluster_sums(differences, clusters)
    moving = np.array([s for s in sums if abs(s) > 1e-12])
    if not len(moving):
        return 1.0
    # A pattern as extreme as the observed one must count, whatever the rounding
    seen = abs(math.fsum(moving)) - 1e-9 * float(np.abs(moving).sum())
    if len(moving) <= MOST_EXACT:
        totals = np.zeros(1)
        for step in moving:
            totals = np.concatenate([totals + step, totals - step])
        return float(np.mean(np.abs(totals) >= seen))
    bound = _at_most(moving, seen)
    if bound <= 1 / (draws + 1):
        return bound
    generator = np.random.default_rng(seed)
    hits = done = 0
    while done < draws and (enough is None or hits < enough):
        # In slices, so that memory stays small whatever the benchmark's size
        rows = min(draws - done, max(1, 2_000_000 // len(moving)))
        signs = generator.integers(0, 2, size=(rows, len(moving)), dtype=np.int8) * 2.0 - 1.0
        hits += int(np.sum(np.abs(signs @ moving) >= seen))
        done += rows
    return (hits + 1) / (done + 1)


def _at_most(sums: np.ndarray, seen: float) -> float:
    """An upper bound of the chance that flipped signs make |sum| at least `seen`: the least of Chernoff's."""
    import numpy as np

    sizes = np.abs(sums) / np.abs(sums).max()
    target = seen / float(np.abs(sums).max())
    # Any tilt gives a bound; the best one is where the tilted mean is what was seen
    low, high = 0.0, 1000.0
    for _ in range(50):
        tilt = (low + high) / 2
        low, high = (tilt, high) if float(sizes @ np.tanh(tilt * sizes)) < target else (low, tilt)
    exponents = tilt * sizes
    log_mean = float(np.sum(exponents + np.log1p(np.exp(-2 * exponents)) - math.log(2)))
    return min(1.0, 2 * math.exp(log_mean - tilt * target))


def _differences(
    values: Sequence[float], baseline: Sequence[float], clusters: Sequence[Hashable] | None
) -> list[float]:
    if not values or len(values) != len(baseline) or (clusters is not None and len(clusters) != len(values)):
        given = "none" if clusters is None else len(clusters)
        raise ValueError(f"{len(values)} values, {len(baseline)} of the baseline, clusters: {given}")
    if not all(0 <= value <= 1 for value in (*values, *baseline)):
        raise ValueError("paired values must lie between 0 and 1")
    return [value - base for value, base in zip(values, baseline, strict=True)]


def _binary(values: Sequence[float], baseline: Sequence[float]) -> bool:
    return all(value in (0, 1) for value in (*values, *baseline))


def _adjusted(wins: int, losses: int, n: int) -> tuple[float, float]:
    """Difference and standard error with one discordant sample added on each side."""
    up, down = (wins + 1) / (n + 2), (losses + 1) / (n + 2)
    return up - down, math.sqrt((up + down - (up - down) ** 2) / (n + 2))


def _bounds(
    mean: float, spread: float, method: str, counts: tuple[int, int, int], confidence: float
) -> tuple[float, float]:
    """Bounds by the named method; `counts` is (wins, losses, units)."""
    units = counts[2]
    if method == BONETT_PRICE:
        half = normal_quantile(confidence) * spread
        centre, _ = _adjusted(*counts)
        return max(-1.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))
    share = min(1.0, max(0.0, (mean + 1) / 2))
    if method == WILSON:
        low, high = wilson(share, units, normal_quantile(confidence))
    else:
        low, high = wilson(share, share * (1 - share) / (spread / 2) ** 2, t_quantile(units - 1, confidence))
    return 2 * low - 1, 2 * high - 1


def cluster_sums(differences: Sequence[float], clusters: Sequence[Hashable] | None) -> tuple[list[float], list[int]]:
    """Return the sum and count of each cluster, in the order in which clusters appear."""
    groups: dict[Hashable, list[float]] = defaultdict(list)
    for place, difference in enumerate(differences):
        groups[place if clusters is None else clusters[place]].append(difference)
    return [math.fsum(group) for group in groups.values()], [len(group) for group in groups.values()]
