"""Sample sizes and power: how many samples a test needs, and which effect a given number of samples can detect.

The exact functions are of one-sided tests of one proportion. Their power is a saw-tooth in n, hence two answers: the
smallest n that reaches the power, and the n from which every larger one does. The formulas for two models are normal
approximations, give floats (take the next whole number), and hold for means, not for a handful of samples.

Power is conditional on the true value that is assumed; under another one it differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

ALPHA = 0.05
POWER = 0.8
# The largest sample for which an exact search is done; 0.01 apart takes some ten thousand
MOST = 200_000


@dataclass(frozen=True, slots=True)
class ExactSize:
    """The smallest `n` with its test "reject if right answers <= critical" (>= in a test for support).

    `stays` is the n from which on every n up to `searched` has the power, None if the last one has not.
    """

    n: int
    critical: int
    stays: int | None
    searched: int


@dataclass(frozen=True, slots=True)
class ExactPower:
    """The exact test with n samples: its critical count (-1, or n + 1: it never rejects), true size, and power."""

    n: int
    critical: int
    size: float
    power: float


def refutation_power(n: int, claimed: float, truth: float, alpha: float = ALPHA) -> ExactPower:
    """Return the exact one-sided binomial test of p >= claimed with n samples, and its power at the truth.

    Raises ValueError unless n >= 1 and both proportions lie within (0, 1).
    """
    from scipy.special import bdtr

    _check_open(claimed, truth)
    if n < 1:
        raise ValueError(f"a test needs a sample, not n={n}")
    critical = int(_critical(n, n, claimed, alpha)[0])
    if critical < 0:
        return ExactPower(n, -1, 0.0, 0.0)
    return ExactPower(n, critical, float(bdtr(critical, n, claimed)), float(bdtr(critical, n, truth)))


def support_power(n: int, claimed: float, truth: float, alpha: float = ALPHA) -> ExactPower:
    """Return the exact test of p <= claimed ("reject if right answers >= critical") and its power at the truth."""
    seen = refutation_power(n, 1 - claimed, 1 - truth, alpha)
    return ExactPower(n, n - seen.critical, seen.size, seen.power)


def refutation_size(claimed: float, truth: float, alpha: float = ALPHA, power: float = POWER) -> ExactSize:
    """Return how many samples the exact binomial test needs to refute p >= claimed when `truth` is true.

    Source: Chernick and Liu 2002, Am. Stat. 56:149-155 (the saw-tooth). Raises ValueError unless 0 < truth < claimed
    < 1, or where more than MOST samples would be needed.
    """
    import numpy as np
    from scipy.special import bdtr

    _check_open(claimed, truth)
    if truth >= claimed:
        raise ValueError(f"a truth of {truth} cannot refute p >= {claimed}")
    # The teeth are at most one count apart: double the normal size, and some, is well beyond the last one
    last = 2 * math.ceil(normal_size(claimed, truth, alpha, power)) + 100
    if last > 2 * MOST:
        raise ValueError(f"{truth} is too close to {claimed}: more than {MOST} samples would be needed")
    sizes = np.arange(1, last + 1)
    critical = _critical(1, last, claimed, alpha)
    reached = np.where(critical >= 0, bdtr(np.maximum(critical, 0), sizes, truth), 0.0) >= power
    return _size([(int(c), bool(r)) for c, r in zip(critical, reached, strict=True)], last)


def support_size(claimed: float, truth: float, alpha: float = ALPHA, power: float = POWER) -> ExactSize:
    """Return how many samples refute p <= claimed, and so support p > claimed, when `truth` is true."""
    mirrored = refutation_size(1 - claimed, 1 - truth, alpha, power)
    return ExactSize(mirrored.n, mirrored.n - mirrored.critical, mirrored.stays, mirrored.searched)


def finite_refutation_size(
    claimed: int, truth: int, size: int, alpha: float = ALPHA, power: float = POWER
) -> ExactSize:
    """Return how many items, drawn without replacement, refute "at least `claimed` of the `size` items are solved".

    `truth` of them are. The claim is about this benchmark's own score, so that `size` items settle it for certain.
    Exact by the hypergeometric distribution (Fisher 1935). Raises ValueError unless 0 <= truth < claimed <= size.
    """
    if not 0 <= truth < claimed <= size:
        raise ValueError(f"{truth} of {size} right cannot refute at least {claimed}")
    steps: list[tuple[int, bool]] = []
    first = None
    for critical, reached in _finite_steps(claimed, truth, size, alpha, power):
        steps.append((critical, reached))
        first = len(steps) if reached and first is None else first
        if first is not None and len(steps) >= 2 * first + 100:
            break
    return _size(steps, len(steps))


def finite_support_size(claimed: int, truth: int, size: int, alpha: float = ALPHA, power: float = POWER) -> ExactSize:
    """Return how many items without replacement refute "fewer than `claimed` of the `size` items are solved"."""
    mirrored = finite_refutation_size(size - claimed + 1, size - truth, size, alpha, power)
    return ExactSize(mirrored.n, mirrored.n - mirrored.critical, mirrored.stays, mirrored.searched)


def normal_size(claimed: float, truth: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the normal approximation to the one-sided size of one proportion, not rounded.

    ((z_alpha * sqrt(p0 q0) + z_beta * sqrt(p1 q1)) / (p0 - p1))^2: Fleiss, Levin and Paik 2003, Statistical Methods
    for Rates and Proportions.
    """
    _check_open(claimed, truth)
    normal = NormalDist()
    top = normal.inv_cdf(1 - alpha) * math.sqrt(claimed * (1 - claimed))
    top += normal.inv_cdf(power) * math.sqrt(truth * (1 - truth))
    return (top / (claimed - truth)) ** 2


def difference_size(effect: float, spread: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return ((z_(alpha/2) + z_beta) * spread / effect)^2, `spread` the standard deviation of one difference."""
    if effect == 0:
        raise ValueError("no number of samples shows a difference of 0")
    return (_both(alpha, power) * spread / effect) ** 2


def detectable_effect(n: float, spread: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the smallest true difference that n samples show with this power, two-sided; as `difference_size`."""
    return _both(alpha, power) * spread / math.sqrt(n)


def paired_spread(first: float, second: float, correlation: float) -> float:
    """Return the standard deviation of the difference of two 0/1 values with these means and correlation."""
    for share in (first, second):
        if not 0 <= share <= 1:
            raise ValueError(f"a proportion lies between 0 and 1, not at {share}")
    one, other = first * (1 - first), second * (1 - second)
    return math.sqrt(max(0.0, one + other - 2 * correlation * math.sqrt(one * other)))


def tost_power(n: float, spread: float, margin: float, true_difference: float = 0.0, alpha: float = ALPHA) -> float:
    """Return the power of n samples to show equivalence; `spread` is the standard deviation of one paired difference.

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
        raise ValueError(f"equivalence within {margin} cannot be shown of a true difference of {true_difference}")
    low, high = 0.0, 1.0
    while tost_power(high, spread, margin, true_difference, alpha) < power:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        reached = tost_power(middle, spread, margin, true_difference, alpha) >= power
        low, high = (low, middle) if reached else (middle, high)
    return high


def _both(alpha: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)


def _critical(first: int, last: int, claimed: float, alpha: float) -> np.ndarray:
    """For n from first to last the largest c with P(X <= c | n, claimed) <= alpha, -1 where there is none."""
    import numpy as np
    from scipy.special import bdtr

    sizes = np.arange(first, last + 1)
    z = NormalDist().inv_cdf(1 - alpha)
    guess = np.floor(sizes * claimed - z * np.sqrt(sizes * claimed * (1 - claimed)) - 0.5)
    critical = np.clip(guess, -1, sizes).astype(int)
    # The normal approximation is off by a few
    while True:
        above = (critical < sizes) & (bdtr(np.minimum(critical + 1, sizes), sizes, claimed) <= alpha)
        below = (critical >= 0) & (bdtr(np.maximum(critical, 0), sizes, claimed) > alpha)
        if not (above | below).any():
            return np.asarray(critical)
        critical = critical + above.astype(int) - below.astype(int)


def _finite_steps(claimed: int, truth: int, size: int, alpha: float, power: float) -> Iterator[tuple[int, bool]]:
    """The critical count for n = 1, 2, ... items, and whether the power is reached; the count never falls."""
    from harness.stats.proportions import hypergeometric_p_value

    critical = -1
    for n in range(1, size + 1):
        while critical < n and hypergeometric_p_value((critical + 1, n), claimed, size, "less") <= alpha:
            critical += 1
        reached = critical >= 0 and hypergeometric_p_value((critical, n), truth, size, "less") >= power
        yield critical, reached


def _size(steps: list[tuple[int, bool]], searched: int) -> ExactSize:
    """`steps[i]` is (critical count, power reached) of n = i + 1."""
    smallest = next((place for place, (_, reached) in enumerate(steps) if reached), None)
    if smallest is None:
        raise ValueError(f"not even {searched} samples have this power")
    failing = [place for place, (_, reached) in enumerate(steps) if not reached]
    stays = failing[-1] + 2 if failing else 1
    return ExactSize(smallest + 1, steps[smallest][0], stays if stays <= searched else None, searched)


def _check_open(*shares: float) -> None:
    for share in shares:
        if not 0 < share < 1:
            raise ValueError(f"a tested proportion lies between 0 and 1, not at {share}")
