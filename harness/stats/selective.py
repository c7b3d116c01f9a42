"""How right the most confident answers are: accuracy at a coverage, and the area under the risk-coverage curve.

Equal confidences are taken in random order, averaged over all orders exactly, so that the order of the answers does not
matter. Does not say whether a confidence is calibrated: only its order counts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.intervals import MeanInterval, t_quantile, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Of more clusters than this, groups of clusters are left out together
MOST_GROUPS = 200
SELECTIVE = "selective"


@dataclass(frozen=True, slots=True)
class _Jackknifed:
    """A score over all answers, and its standard error over so many groups; None with one."""

    value: float
    stderr: float | None
    groups: int


def selective_accuracy(
    confidences: Sequence[float], values: Sequence[float], clusters: Sequence[Hashable], coverage: float
) -> MeanInterval:
    """Return the mean value of the `coverage` most confident answers with its 95 % interval ("selective").

    Of n answers the ceil(coverage * n) most confident are kept (Geifman and El-Yaniv 2017, arXiv 1705.08500). The
    interval is Wilson's with the t quantile at the effective n = a (1 - a) / stderr^2, as in `intervals.mean_interval`;
    the standard error is the jackknife's over clusters, which counts that the threshold varies too, never below that of
    as many independent answers as are kept. Where nothing varies, Wilson's with n = the clusters that have a kept
    answer. Raises ValueError for no answers, unequal lengths, a value outside [0, 1] or a coverage outside (0, 1].
    """
    if not 0 < coverage <= 1:
        raise ValueError(f"the coverage must be above 0 and at most 1, not {coverage}")
    if any(not 0 <= value <= 1 for value in values):
        raise ValueError("selective accuracy is of values from 0 to 1")

    def score(ranked: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
        return _kept(ranked, ends, _kept_count(len(ranked), coverage))

    kept = _kept_count(len(values), coverage)
    threshold = sorted(confidences, reverse=True)[kept - 1]
    pairs = zip(confidences, clusters, strict=True)
    units = min(kept, len({cluster for confidence, cluster in pairs if confidence >= threshold}))
    return _bounded(_jackknife(confidences, values, clusters, score), units, kept)


def risk_coverage_area(
    confidences: Sequence[float], values: Sequence[float], clusters: Sequence[Hashable]
) -> MeanInterval:
    """Return the area under the risk-coverage curve, lower is better, with its 95 % interval ("selective").

    The mean over m = 1, ..., n of the share of wrong answers among the m most confident (Geifman et al. 2019, arXiv
    1805.08206). The interval is made as that of `selective_accuracy`; where nothing varies, Wilson's with n = clusters.
    Raises ValueError for no answers or unequal lengths.
    """
    import numpy as np

    def score(ranked: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
        counts = np.arange(1, len(ranked) + 1)
        return float(np.mean(1 - _sums(ranked, ends, counts) / counts))

    return _bounded(_jackknife(confidences, values, clusters, score), len(set(clusters)))


def risk_coverage_curve(
    confidences: Sequence[float], values: Sequence[float], coverages: Sequence[float]
) -> list[float]:
    """Return the mean value of the most confident answers at each coverage."""
    ranked, ends = _ranked(confidences, values)
    return [_kept(ranked, ends, _kept_count(len(ranked), coverage)) for coverage in coverages]


def _bounded(found: _Jackknifed, units: int, independent: int | None = None) -> MeanInterval:
    """Wilson's interval at the effective n; `units`: where nothing varies; `independent`: at most so many count."""
    value = min(1.0, max(0.0, found.value))
    spread = max(found.stderr or 0.0, math.sqrt(value * (1 - value) / independent) if independent else 0.0)
    if found.stderr is None or spread < 1e-12 or value in (0, 1):
        return MeanInterval(value, *wilson(value, units), found.stderr, SELECTIVE)
    bounds = wilson(value, value * (1 - value) / spread**2, t_quantile(found.groups - 1))
    return MeanInterval(value, *bounds, found.stderr, SELECTIVE)


def _kept_count(n: int, coverage: float) -> int:
    return min(n, max(1, math.ceil(coverage * n - 1e-9)))


def _ranked(confidences: Sequence[float], values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values from the most confident on, and where each run of equal confidences ends."""
    import numpy as np

    own = np.asarray(confidences, dtype=float)
    order = np.argsort(-own, kind="stable")
    return np.asarray(values, dtype=float)[order], _ends(own[order])


def _ends(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.append(np.flatnonzero(np.diff(ranked)) + 1, len(ranked)).astype(float)


def _sums(ranked: NDArray[np.float64], ends: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of the first `counts` values; within equal confidences the mean over their orders, which is a line."""
    import numpy as np

    whole = np.cumsum(ranked)[ends.astype(int) - 1]
    sums: NDArray[np.float64] = np.interp(counts, np.append(0.0, ends), np.append(0.0, whole))
    return sums


def _kept(ranked: NDArray[np.float64], ends: NDArray[np.float64], count: int) -> float:
    import numpy as np

    return float(_sums(ranked, ends, np.array([count]))[0]) / count


def _jackknife(
    confidences: Sequence[float],
    values: Sequence[float],
    clusters: Sequence[Hashable],
    score: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
) -> _Jackknifed:
    """Leave out one group of clusters at a time.

    Efron and Tibshirani 1993, An Introduction to the Bootstrap, 11.5; groups of clusters as Kott 2001, J. Off. Stat.
    17:521-526.
    """
    import numpy as np

    n = len(confidences)
    if not n or not n == len(values) == len(clusters):
        raise ValueError(f"{n} confidences, {len(values)} values, {len(clusters)} clusters")
    own = np.asarray(confidences, dtype=float)
    order = np.argsort(-own, kind="stable")
    worths, ranks = np.asarray(values, dtype=float)[order], own[order]
    value = score(worths, _ends(ranks))
    numbers = _groups(clusters)
    groups = max(numbers) + 1
    if groups < 2:
        return _Jackknifed(value, None, groups)
    of_rank = np.asarray(numbers)[order]
    without = []
    for group in range(groups):
        left = of_rank != group
        without.append(score(worths[left], _ends(ranks[left])))
    mean = math.fsum(without) / groups
    stderr = math.sqrt((groups - 1) / groups * math.fsum((each - mean) ** 2 for each in without))
    return _Jackknifed(value, stderr, groups)


def _groups(clusters: Sequence[Hashable]) -> list[int]:
    """Each answer's group: its cluster, or one of MOST_GROUPS groups of clusters, drawn by a hash of their names."""
    drawn = sorted(set(clusters), key=lambda cluster: hashlib.sha256(repr(cluster).encode()).digest())
    place = {cluster: number % MOST_GROUPS for number, cluster in enumerate(drawn)}
    return [place[cluster] for cluster in clusters]
