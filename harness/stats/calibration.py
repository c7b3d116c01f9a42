"""How far confidences are from the share of right answers: calibration error over bins, and the bins themselves.

The calibration error of a sample is above 0 for a perfectly calibrated model too, the more so the fewer answers there
are and the more bins. Its interval takes account of that: it reaches 0 where chance explains the error. What bins hide
(confidences that are too high and too low within one bin) is not in it, so that it is a lower bound of the error of
the confidences themselves (Kumar et al. 2019, arXiv 1909.10155).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from harness.stats.intervals import (
    CONFIDENCE,
    MeanInterval,
    clustered_standard_error,
    mean_interval,
    normal_quantile,
    standard_error,
    t_quantile,
    wilson,
)
from harness.stats.proportions import clopper_pearson

CALIBRATION = "calibration"
BINS = 15
# Below this a confidence at the edge of a bin, such as 0.7 of 10 bins, is not above it
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Bin:
    """The `n` answers of one bin: their mean confidence, and the share that is right with its 95 % Wilson interval."""

    n: int
    confidence: float
    right: float
    low: float
    high: float


def equal_width(confidences: Sequence[float], bins: int = BINS) -> list[int]:
    """Return each answer's bin, of `bins` equal parts of [0, 1], each without its lower edge (Guo et al. 2017)."""
    return [max(0, math.ceil(confidence * bins - _EDGE) - 1) for confidence in confidences]


def equal_mass(confidences: Sequence[float], bins: int = BINS) -> list[int]:
    """Return each answer's bin, of up to `bins` bins of about equally many answers.

    Equal confidences share the bin of their middle rank, so that the order of the answers does not matter.
    """
    below, place = 0, {}
    for confidence, count in sorted(Counter(confidences).items()):
        place[confidence] = int(bins * (below + count / 2) / len(confidences))
        below += count
    return [place[confidence] for confidence in confidences]


def reliability(confidences: Sequence[float], values: Sequence[float], places: Sequence[int]) -> tuple[Bin, ...]:
    """Return the bins that hold an answer, from the lowest confidence on: the points of a reliability diagram."""
    members: dict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(places):
        members[place].append(index)
    found = []
    for _, own in sorted(members.items()):
        right = math.fsum(values[index] for index in own) / len(own)
        mean = math.fsum(confidences[index] for index in own) / len(own)
        found.append(Bin(len(own), mean, right, *wilson(min(1.0, right), len(own))))
    return tuple(found)


def calibration_error(
    confidences: Sequence[float],
    values: Sequence[float],
    places: Sequence[int],
    clusters: Sequence[Hashable],
    *,
    debias: bool = False,
) -> MeanInterval:
    """Return the expected calibration error over bins with its 95 % interval ("calibration").

    It is the sum over bins of |mean confidence - share right|, each bin weighing its share of the answers (Naeini et
    al. 2015; Guo et al. 2017, arXiv 1706.04599), so sum of |T_b| for the mean T of the vectors that have an answer's
    confidence - value at the place of its bin. `debias` takes off what chance adds in the bins, E|N(T_b, s_b)| - |T_b|
    with the bin's standard error s_b (the normal approximation of Kumar et al. 2019, arXiv 1909.10155), never below 0.

    The interval is for the sum of |E T_b| with these bins. Up: t times the standard error of the sum with its signs as
    they are, since |T_b| is on average above |E T_b|. Down: the larger of two bounds, each at half the error rate. One
    is as much below, and less what chance adds on average where each |E T_b| is as small as |T_b| - 1.96 s_b, or 0:
    sqrt(2 / pi) s_b in the bins of a calibrated model. The other is that of |mean confidence - share right| over all
    answers, which the sum over bins is never below, and which sees a model that is a little too sure everywhere.
    Standard errors are by cluster, and never below that of Agresti and Coull's share right in each bin, so that a
    handful of answers that are all right prove nothing.

    Where all answers have the same confidence, the sum is one distance, whose normal approximation fails for shares
    near 1. Then the interval is the image of one for the share right: of its exact interval (Clopper and Pearson 1934,
    Biometrika 26:404), which never misses more often than 5 %, where each answer is its own cluster, else of that of a
    score. Not where confidences vary within one bin: their mean varies with the sample too, and taking it as given
    missed in 17 to 40 % of simulated cases.

    Raises ValueError for no answers, or unequal lengths.
    """
    n = len(confidences)
    if not n or not n == len(values) == len(places) == len(clusters):
        raise ValueError(f"{n} confidences, {len(values)} values, {len(places)} bins, {len(clusters)} clusters")
    gaps = [confidence - value for confidence, value in zip(confidences, values, strict=True)]
    inside: dict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(places):
        inside[place].append(index)
    means = {place: math.fsum(gaps[index] for index in own) / n for place, own in inside.items()}
    error = min(1.0, math.fsum(map(abs, means.values())))
    units = len(set(clusters))
    if units < 2:
        return MeanInterval(error, None, None, None, CALIBRATION)
    floors = {place: _floor([values[index] for index in own], n) for place, own in inside.items()}
    errors = {place: max(floors[place], _bin_error(own, gaps, clusters, units)) for place, own in inside.items()}
    signed = [math.copysign(gap, gap * means[place]) for gap, place in zip(gaps, places, strict=True)]
    stderr = max(standard_error(signed), clustered_standard_error(signed, clusters), math.hypot(*floors.values()))
    half = t_quantile(units - 1) * stderr
    z = normal_quantile()
    by_chance = math.fsum(_added(max(0.0, abs(means[place]) - z * errors[place]), errors[place]) for place in inside)
    added = math.fsum(_added(means[place], errors[place]) for place in inside) if debias else 0.0
    value = max(0.0, error - added)
    # Two lower bounds share the error rate of one
    far = t_quantile(units - 1, 1 - (1 - CONFIDENCE) / 2)
    overall = max(standard_error(gaps), clustered_standard_error(gaps, clusters), math.hypot(*floors.values()))
    lows = (error - far * stderr - by_chance, abs(math.fsum(gaps)) / n - far * overall)
    low, high = max(0.0, *lows), min(1.0, error + half)
    if len(inside) == 1 and max(confidences) - min(confidences) <= _EDGE:
        low, high = _of_one_bin(math.fsum(confidences) / n, values, clusters)
    return MeanInterval(value, min(value, low), high, stderr, CALIBRATION)


def _of_one_bin(confidence: float, values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, float]:
    """The least and the largest distance of a confidence from the shares right in their interval."""
    n, right = len(values), math.fsum(values)
    if len(set(clusters)) == n and right.is_integer():
        least, most = clopper_pearson(int(right), n)
    else:
        own = mean_interval(values, clusters)
        least, most = own.low or 0.0, 1.0 if own.high is None else own.high
    return max(0.0, least - confidence, confidence - most), max(abs(confidence - least), abs(confidence - most))


def _floor(values: Sequence[float], n: int) -> float:
    """The standard error of a bin's share right, times the bin's share: Agresti and Coull 1998, Am. Stat. 52:119."""
    square = normal_quantile() ** 2
    count = len(values) + square
    share = (math.fsum(values) + square / 2) / count
    return len(values) / n * math.sqrt(share * (1 - share) / count)


def _bin_error(own: Sequence[int], gaps: Sequence[float], clusters: Sequence[Hashable], units: int) -> float:
    """The standard error of a bin's T_b: of sums over clusters, those without an answer in the bin among them."""
    n = len(gaps)
    sums: dict[Hashable, float] = defaultdict(float)
    for index in own:
        sums[clusters[index]] += gaps[index]
    mean = math.fsum(sums.values()) / units
    squares = math.fsum((each - mean) ** 2 for each in sums.values()) + (units - len(sums)) * mean**2
    return math.sqrt(squares * units / (units - 1)) / n


def _added(mean: float, stderr: float) -> float:
    """E|N(mean, stderr)| - |mean|: the folded normal distribution (Leone et al. 1961, Technometrics 3:543)."""
    if stderr <= 0:
        return 0.0
    ratio = abs(mean) / stderr
    folded = stderr * math.sqrt(2 / math.pi) * math.exp(-ratio * ratio / 2)
    return folded - 2 * abs(mean) * NormalDist().cdf(-ratio)
