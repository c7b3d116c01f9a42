"""The interval of a score that is computed from sums over a corpus and is no ratio of two of them, such as BLEU."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from harness.stats.intervals import MeanInterval, t_quantile

JACKKNIFE = "jackknife"


def jackknife_interval(
    parts: Sequence[Sequence[float]],
    clusters: Sequence[Hashable],
    score: Callable[[Sequence[float]], float],
    bounds: tuple[float, float],
) -> MeanInterval:
    """Return score(sum of parts) with its 95 % interval ("jackknife").

    `parts` are one row of figures a sample. The standard error is that of the scores with one cluster of samples left
    out at a time (Efron and Tibshirani 1993, An Introduction to the Bootstrap, 11.5), the interval Student's t with
    clusters - 1 degrees of freedom around the score, cut at `bounds`. Without drawing at random it is of the same
    order as the bootstrap that is usual for BLEU (Koehn 2004). No interval with one cluster, or where no score differs.
    Raises ValueError for no samples, or rows or clusters of unequal number.
    """
    if not parts or len(parts) != len(clusters):
        raise ValueError(f"{len(parts)} samples and {len(clusters)} clusters")
    rows: dict[Hashable, list[Sequence[float]]] = defaultdict(list)
    for part, cluster in zip(parts, clusters, strict=True):
        rows[cluster].append(part)
    units = [_sums(own) for own in rows.values()]
    whole = _sums(units)
    value = score(whole)
    if len(units) < 2:
        return MeanInterval(value, None, None, None, JACKKNIFE)
    without = [score([total - own for total, own in zip(whole, unit, strict=True)]) for unit in units]
    mean = math.fsum(without) / len(units)
    stderr = math.sqrt((len(units) - 1) / len(units) * math.fsum((each - mean) ** 2 for each in without))
    if stderr < 1e-12 * max(1.0, abs(value)):
        return MeanInterval(value, None, None, None, JACKKNIFE)
    half = t_quantile(len(units) - 1) * stderr
    return MeanInterval(value, max(bounds[0], value - half), min(bounds[1], value + half), stderr, JACKKNIFE)


def _sums(rows: Sequence[Sequence[float]]) -> list[float]:
    return [math.fsum(column) for column in zip(*rows, strict=True)]
