"""95 % intervals and standard errors of scores over samples.

Guarantees: an interval contains its estimate; intervals of scores between 0 and 1 stay there and are never empty, not
even when every sample scores the same. Does not guard against too few clusters: below about ten of them a clustered
standard error is too small, which Student's t corrects only in part.

Wilson is written out because importing scipy.stats costs a second here, and because binomtest takes no fractional n;
the tests compare it with scipy.stats.binomtest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95
# The method of an estimate that is a ratio of sums
RATIO = "ratio"
# The method of a mean whose samples have weights
WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean with its interval and standard error, None where the values do not determine them."""

    value: float
    low: float | None
    high: float | None
    stderr: float | None
    method: str


def wilson(mean: float, n: float, quantile: float | None = None) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion `mean` over `n` trials; n need not be whole.

    `quantile` replaces the two-sided 95 % normal quantile. Source: Wilson 1927, JASA 22:209-212. Raises
    ValueError unless n > 0 and 0 <= mean <= 1.
    """
    if n <= 0 or not 0 <= mean <= 1:
        raise ValueError(f"a Wilson interval needs n > 0 and a mean from 0 to 1, not n={n}, mean={mean}")
    z = normal_quantile() if quantile is None else quantile
    shrink = 1 + z * z / n
    centre = (mean + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    # Rounding may leave the mean or [0, 1] by a hair at the ends
    return max(0.0, min(centre - half, mean)), min(1.0, max(centre + half, mean))


def standard_error(values: Sequence[float]) -> float:
    """Return sd / sqrt(n) with n - 1 in the variance. Raises ValueError below two values."""
    if len(values) < 2:
        raise ValueError("a standard error needs at least two values")
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def clustered_standard_error(values: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Return the standard error of the mean when values of one cluster are correlated.

    sqrt(sum over clusters of (sum of deviations in it)^2) / n, which is the formula of Miller 2024, arXiv
    2411.00640, with its pairs summed cluster by cluster (n, not n - 1, in the variance). Raises
    ValueError when there are no values or the lengths differ.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"{len(values)} values and {len(clusters)} clusters")
    mean = _mean(values)
    deviations: dict[Hashable, list[float]] = defaultdict(list)
    for value, cluster in zip(values, clusters, strict=True):
        deviations[cluster].append(value - mean)
    return math.sqrt(math.fsum(math.fsum(group) ** 2 for group in deviations.values())) / len(values)


def mean_interval(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> MeanInterval:
    """Return the mean of one value per sample with its 95 % interval.

    - every value 0 or 1, no cluster of two: Wilson ("wilson"). Values of samples with repeats may be 0 or
      1 as well (pass@k with k repeats): the sample is the unit, so the same formula holds.
    - any two samples of one cluster ("clustered"): the clustered standard error and Student's t with clusters
      - 1 degrees of freedom, never narrower than as if the samples were independent (a few clusters can look
      alike by chance).
    - else ("t"): the ordinary standard error and Student's t.

    Values all within [0, 1] are taken as a score bounded there. Its interval is Wilson's with the t quantile
    at the effective n = mean * (1 - mean) / stderr**2 (Dean and Pagano 2015, J. Survey Stat. Methodol.
    3:484-503), which near 0 and 1 keeps its coverage where the symmetric one does not. Where the spread is
    zero or there is one cluster, so that a standard error is meaningless, it is Wilson's with n = the number of
    clusters (of samples, without clusters): no variable on [0, 1] varies more than a 0/1 one. Other values
    get the symmetric interval, and none without spread. Raises ValueError when there are no values.
    """
    if not values:
        raise ValueError("no values, no mean")
    mean, n = _mean(values), len(values)
    bounded = all(0 <= value <= 1 for value in values)
    units = len(set(clusters)) if clusters is not None else n
    if units == n and all(value in (0, 1) for value in values):
        return MeanInterval(mean, *wilson(mean, n), math.sqrt(mean * (1 - mean) / n), "wilson")
    method = "t" if units == n else "clustered"
    independent = standard_error(values) if n > 1 else 0.0
    stderr = clustered_standard_error(values, clusters) if clusters and units < n else independent
    # Equal values leave about 1e-17 of rounding, which is no spread
    if units < 2 or independent < 1e-12 * max(1.0, max(map(abs, values))):
        if not bounded:
            return MeanInterval(mean, None, None, None, method)
        return MeanInterval(mean, *wilson(mean, units), None if units < 2 else 0.0, method)
    spread, quantile = max(stderr, independent), t_quantile(units - 1)
    if bounded:
        return MeanInterval(mean, *wilson(mean, mean * (1 - mean) / spread**2, quantile), stderr, method)
    return MeanInterval(mean, mean - quantile * spread, mean + quantile * spread, stderr, method)


def ratio_interval(tops: Sequence[float], bottoms: Sequence[float], clusters: Sequence[Hashable]) -> MeanInterval:
    """Return sum(tops) / sum(bottoms) over samples, with its 95 % interval.

    The standard error is that of the linearised ratio (Cochran 1977, Sampling Techniques, 6.4): the residuals top -
    ratio * bottom, summed by cluster, as a share of the sum of bottoms; Student's t with clusters - 1 degrees of
    freedom. Tops that are all 0 or more keep the lower bound from going below 0. None with one cluster. Raises
    ValueError for no samples, unequal lengths or a sum of bottoms of 0.
    """
    if not tops or not len(tops) == len(bottoms) == len(clusters):
        raise ValueError(f"{len(tops)} tops, {len(bottoms)} bottoms and {len(clusters)} clusters")
    whole = math.fsum(bottoms)
    if whole <= 0:
        raise ValueError("a ratio needs something to divide by")
    ratio = math.fsum(tops) / whole
    residuals: dict[Hashable, list[float]] = defaultdict(list)
    for top, bottom, cluster in zip(tops, bottoms, clusters, strict=True):
        residuals[cluster].append(top - ratio * bottom)
    units = len(residuals)
    if units < 2:
        return MeanInterval(ratio, None, None, None, RATIO)
    squares = math.fsum(math.fsum(group) ** 2 for group in residuals.values())
    stderr = math.sqrt(squares * units / (units - 1)) / whole
    half = t_quantile(units - 1) * stderr
    floor = 0.0 if min(tops) >= 0 else -math.inf
    return MeanInterval(ratio, max(floor, ratio - half), ratio + half, stderr, RATIO)


def weighted_mean_interval(
    values: Sequence[float], weights: Sequence[float], clusters: Sequence[Hashable]
) -> MeanInterval:
    """Return sum(weight * value) / sum(weights) over samples, with its 95 % interval ("weighted").

    The weights vary from sample to sample with the values, so the standard error is that of a linearised ratio, by
    clusters (Cochran 1977, Sampling Techniques, 6.4), never narrower than as if the samples were independent. Values
    within [0, 1] get Wilson's interval with the t quantile at the effective n, as in `mean_interval`, and where nothing
    varies Wilson's with n = the number of clusters that have a weight. Raises ValueError for no samples, unequal
    lengths, a negative weight or a sum of weights of 0.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("a weight is negative")
    tops = [value * weight for value, weight in zip(values, weights, strict=True)]
    found = ratio_interval(tops, weights, clusters)
    alone = ratio_interval(tops, weights, range(len(tops)))
    mean, bounded = found.value, all(0 <= value <= 1 for value in values)
    mean = max(0.0, min(1.0, mean)) if bounded else mean
    units = len({cluster for cluster, weight in zip(clusters, weights, strict=True) if weight})
    spread = max(found.stderr or 0.0, alone.stderr or 0.0)
    if units < 2 or spread < 1e-12 * max(1.0, max(map(abs, values))):
        if not bounded:
            return MeanInterval(mean, None, None, None, WEIGHTED)
        return MeanInterval(mean, *wilson(mean, units), None if units < 2 else 0.0, WEIGHTED)
    quantile = t_quantile(units - 1)
    if bounded:
        return MeanInterval(mean, *wilson(mean, mean * (1 - mean) / spread**2, quantile), found.stderr, WEIGHTED)
    return MeanInterval(mean, mean - quantile * spread, mean + quantile * spread, found.stderr, WEIGHTED)


def normal_quantile(confidence: float = CONFIDENCE) -> float:
    """Return the two-sided normal quantile: 1.96 at 95 %."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def t_quantile(freedom: float, confidence: float = CONFIDENCE) -> float:
    """Return the two-sided quantile of Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
