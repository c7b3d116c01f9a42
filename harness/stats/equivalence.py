"""Whether two models are alike enough to say so: "matches" (equivalence) and "competitive" (non-inferiority).

"Not significantly different" is never "matches": with few samples nothing is significant. Here likeness must be
shown, against a margin named beforehand. Guarantees as much as the standard error or interval behind it: for few
samples use `matches` and `not_worse`, whose intervals have no degenerate case, rather than `tost` on a normal curve.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from harness.stats.paired import interval, paired_difference

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True, slots=True)
class Likeness:
    """A verdict on likeness. [low, high] is the interval with confidence 1 - 2 alpha (90 % at 5 %)."""

    shown: bool
    p: float
    difference: float
    low: float
    high: float
    margin: float
    n: int


def tost(difference: float, stderr: float, margin: float) -> float:
    """Return the p-value of two one-sided tests against |true difference| >= margin, on a normal curve.

    It is at most alpha exactly when the interval with confidence 1 - 2 alpha lies within +-margin. Source:
    Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657-680. Raises ValueError unless stderr and margin are positive.
    """
    return max(non_inferiority(difference, stderr, margin), non_inferiority(-difference, stderr, margin))


def non_inferiority(difference: float, stderr: float, margin: float) -> float:
    """Return the p-value against true difference <= -margin, on a normal curve.

    Source: Schuirmann 1987, one of its two tests. Raises ValueError unless stderr and margin are positive.
    """
    if stderr <= 0 or margin <= 0:
        raise ValueError(f"a standard error and a margin are positive, not {stderr} and {margin}")
    return NormalDist().cdf(-(difference + margin) / stderr)


def matches(
    values: Sequence[float],
    baseline: Sequence[float],
    margin: float,
    clusters: Sequence[Hashable] | None = None,
    alpha: float = ALPHA,
) -> Likeness:
    """Tell whether the paired difference is shown to lie within +-margin.

    By the interval of `paired_difference` with confidence 1 - 2 alpha; p is the smallest alpha at which it still
    does (1/2 where even the estimate does not). Source: Schuirmann 1987; Lakens 2017, Soc. Psychol. Personal. Sci.
    8:355-362. Raises ValueError for a margin that is not positive, and as `paired_difference` does.
    """
    return _likeness((values, baseline, clusters), margin, alpha, two_sided=True)


def not_worse(
    values: Sequence[float],
    baseline: Sequence[float],
    margin: float,
    clusters: Sequence[Hashable] | None = None,
    alpha: float = ALPHA,
) -> Likeness:
    """Tell whether `values` is shown to be no more than `margin` below the baseline; else as `matches`."""
    return _likeness((values, baseline, clusters), margin, alpha, two_sided=False)


def tost_power(n: float, spread: float, margin: float, true_difference: float = 0.0, alpha: float = ALPHA) -> float:
    """Return the chance that n samples show likeness; `spread` is the standard deviation of one paired difference.

    Normal approximation. Source: Phillips 1990, J. Pharmacokinet. Biopharm. 18:137-144.
    """
    normal, stderr = NormalDist(), spread / math.sqrt(n)
    z = normal.inv_cdf(1 - alpha)
    upper = normal.cdf((margin - true_difference) / stderr - z)
    lower = normal.cdf((margin + true_difference) / stderr - z)
    return max(0.0, upper + lower - 1)


def tost_size(
    spread: float, margin: float, true_difference: float = 0.0, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return the samples at which `tost_power` reaches `power`, not rounded: take the next whole number.

    At true difference 0 this is ((z_alpha + z_(beta/2)) * spread / margin)^2. Raises ValueError where the true
    difference is not within the margin, which no number of samples can show.
    """
    if spread <= 0 or not abs(true_difference) < margin:
        raise ValueError(f"likeness within {margin} cannot be shown of a true difference of {true_difference}")
    low, high = 0.0, 1.0
    while tost_power(high, spread, margin, true_difference, alpha) < power:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        reached = tost_power(middle, spread, margin, true_difference, alpha) >= power
        low, high = (low, middle) if reached else (middle, high)
    return high


def non_inferiority_size(
    spread: float, margin: float, true_difference: float = 0.0, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return ((z_alpha + z_beta) * spread / (margin + true difference))^2, not rounded.

    Source: Julious 2004, Stat. Med. 23:1921-1986. Raises ValueError where the true difference is at or below -margin.
    """
    if spread <= 0 or true_difference <= -margin:
        raise ValueError(f"not worse than {margin} cannot be shown of a true difference of {true_difference}")
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)
    return (z * spread / (margin + true_difference)) ** 2


Pairs = tuple[Sequence[float], Sequence[float], Sequence[Hashable] | None]


def _likeness(pairs: Pairs, margin: float, alpha: float, *, two_sided: bool) -> Likeness:
    if margin <= 0 or not 0 < alpha < 0.5:
        raise ValueError(f"likeness needs a margin above 0 and alpha below 1/2, not {margin} and {alpha}")
    seen = paired_difference(*pairs, confidence=1 - 2 * alpha)

    def shown(level: float) -> bool:
        below, above = interval(seen, 1 - 2 * level)
        return below > -margin and (not two_sided or above < margin)

    # Intervals shrink as alpha grows, so the smallest alpha that shows likeness is found by halving
    low, high = 0.0, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return Likeness(shown(alpha), high, seen.difference, seen.low, seen.high, margin, seen.n)
