"""One model under several protocols on the same samples: how far its score moves, and how much of that is chance.

Guarantees: only samples scored under every protocol enter, so that no protocol looks better by an easier sample; chance
is measured by permuting protocols within each sample, without a normal approximation. Does not say which protocol is
the right one, nor how other protocols would score.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.values import SampleValues, join
from harness.stats.intervals import MeanInterval, mean_interval
from harness.stats.multiple import holm
from harness.stats.paired import PairedDifference, paired_difference, paired_p_value

# p is known to one in so many
DRAWS = 4_000


@dataclass(frozen=True, slots=True)
class ProtocolScore:
    """One protocol on the common samples: its mean with 95 % interval, and its paired difference from the first one.

    `difference` and `p` (after Holm over the protocols) are None for the first.
    """

    name: str
    score: MeanInterval
    difference: PairedDifference | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep shows on `n` common samples; `left_out` were not scored under every protocol.

    `spread` is the largest mean less the smallest, `chance_spread` the value below which it stays in 95 of 100 cases
    where the protocols do not differ, `p` how often it would then be as large as seen. `protocol_sd` is the standard
    deviation of scores between protocols beyond noise, `sampling_sd` that of one protocol's score between draws of the
    samples; `share` is the share of a score's variance that is due to the choice of protocol (None where both are 0).
    """

    protocols: tuple[ProtocolScore, ...]
    n: int
    left_out: int
    best: str
    worst: str
    spread: float
    chance_spread: float
    p: float
    protocol_sd: float
    sampling_sd: float
    share: float | None


def sweep_of(values: Mapping[str, SampleValues], seed: int = 0) -> Sweep:
    """Compare the protocols of `values` (by name), the first being the baseline.

    Between protocols: the random-effects variance
    (MS_protocols - MS_residual) / n of a two-way layout of samples and protocols without replication, at least 0
    (Searle, Casella and McCulloch 1992, Variance Components, 4.2); `sampling_sd` is the root mean square of the
    protocols' standard errors; share = between / (between + sampling variance). Raises ValueError for fewer than two
    protocols, values outside [0, 1], or no sample that all of them scored.
    """
    names = list(values)
    if len(names) < 2:
        raise ValueError("a sweep compares two protocols or more")
    joined = join(*values.values())
    if not joined.n:
        raise ValueError("no sample was scored under every protocol")
    scored = {sample.sample_id for own in values.values() for sample in own.samples}
    rows, clusters = joined.values, joined.clusters
    scores = [mean_interval(row, clusters) for row in rows]
    differences = [paired_difference(row, rows[0], clusters) for row in rows[1:]]
    adjusted = holm([paired_p_value(row, rows[0], clusters, seed)[0] for row in rows[1:]])
    means = [score.value for score in scores]
    chance_spread, p = spread_by_chance(rows, clusters, seed)
    between = protocol_variance(rows) if joined.n > 1 else 0.0
    sampling = math.fsum((score.stderr or 0.0) ** 2 for score in scores) / len(scores)
    return Sweep(
        tuple(
            ProtocolScore(name, score, difference, p_value)
            for name, score, difference, p_value in zip(
                names, scores, [None, *differences], [None, *adjusted], strict=True
            )
        ),
        n=joined.n,
        left_out=len(scored) - joined.n,
        best=names[means.index(max(means))],
        worst=names[means.index(min(means))],
        spread=max(means) - min(means),
        chance_spread=chance_spread,
        p=p,
        protocol_sd=math.sqrt(between),
        sampling_sd=math.sqrt(sampling),
        share=between / (between + sampling) if between + sampling > 0 else None,
    )


def protocol_variance(rows: Sequence[Sequence[float]]) -> float:
    """Return (MS_protocols - MS_residual) / n, at least 0; `rows[j][i]` is protocol j on sample i, n >= 2 samples."""
    protocols, residual = mean_squares(rows)
    return max(0.0, (protocols - residual) / len(rows[0]))


def mean_squares(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the mean squares of protocols and of the residual in a two-way layout without replication."""
    import numpy as np

    table = np.asarray(rows, dtype=float)
    k, n = table.shape
    by_row, by_sample, whole = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True), table.mean()
    protocols = n * float(((by_row - whole) ** 2).sum()) / (k - 1)
    residual = float(((table - by_row - by_sample + whole) ** 2).sum()) / ((n - 1) * (k - 1))
    return protocols, residual


def spread_by_chance(
    rows: Sequence[Sequence[float]], clusters: Sequence[Hashable] | None = None, seed: int = 0, draws: int = DRAWS
) -> tuple[float, float]:
    """Return the spread's 95 % quantile and p-value when the protocols' values are shuffled within each sample.

    Exact under the hypothesis that protocols are exchangeable, up to the draws, the spread seen counted among them
    (Pitman 1938, Biometrika 29:322-335; Phipson and Smyth 2010). Samples of one cluster are shuffled alike.
    """
    import numpy as np

    table = np.asarray(rows, dtype=float)
    units = table
    if clusters is not None:
        names = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
        units = np.zeros((table.shape[0], len(names)))
        for place, cluster in enumerate(clusters):
            units[:, names[cluster]] += table[:, place]
    n = table.shape[1]
    # A sample on which all agree moves no mean
    moving = units[:, np.ptp(units, axis=0) > 0].T
    fixed = units.sum(axis=1) - moving.sum(axis=0)
    seen = float(np.ptp(units.sum(axis=1)))
    generator = np.random.default_rng(seed)
    parts: list[float] = []
    while len(parts) < draws:
        # In slices, so that memory stays small whatever the benchmark's size
        count = min(draws - len(parts), max(1, 1_000_000 // max(1, moving.size)))
        shuffled = generator.permuted(np.broadcast_to(moving, (count, *moving.shape)), axis=2)
        parts += list(np.ptp(fixed + shuffled.sum(axis=1), axis=1))
    spreads = np.array(parts)
    hits = int(np.sum(spreads >= seen - 1e-9 * max(1.0, seen)))
    return float(np.quantile(spreads, 0.95, method="higher")) / n, (hits + 1) / (draws + 1)
