"""Sample sizes for two models: the power of the tests that later decide, summed over all outcomes.

Paired samples differ in one of two ways (only the first model is right, or only the second); `Discordance` holds how
often. The power of McNemar's exact test is then a sum over the number of discordant samples, that of two unpaired
sets a sum over both counts. Power is a saw-tooth in n, so a
size is always the n from which on every larger one has the power.

Power is conditional on the assumed true values. Two unpaired sets beyond EXACT_UP_TO samples: by the
normal formulas of `power`, whose error is below a per cent there. Paired samples with a margin: `margin_power`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.intervals import normal_quantile
from harness.stats.power import ALPHA, POWER, difference_size

if TYPE_CHECKING:
    import numpy as np

# Grids of outcomes grow with n; beyond this the normal formulas differ by less than a per cent
EXACT_UP_TO = 2_000
# Discordant samples up to which McNemar's power is summed
MOST_DISCORDANT = 1_000_000
# How far beyond a size with the power the search for smaller power goes on
WIDEST_TOOTH = 120
# Outcomes further out than this many standard deviations have a chance below 1e-15
REACH = 8.5


@dataclass(frozen=True, slots=True)
class Discordance:
    """Shares of samples that only the first model solves, and only the second; their sum is at most 1."""

    first: float
    second: float

    def __post_init__(self) -> None:
        """Raise ValueError for impossible shares."""
        if min(self.first, self.second) < 0 or self.first + self.second > 1 + 1e-12:
            raise ValueError(f"impossible shares of discordant samples: {self.first} and {self.second}")

    @property
    def difference(self) -> float:
        """How much more the first solves."""
        return self.first - self.second

    @property
    def total(self) -> float:
        """The share of samples on which the two differ."""
        return min(1.0, self.first + self.second)


@dataclass(frozen=True, slots=True)
class Margins:
    """The margins of a test: it shows that the difference is above `low`, below `high`, or both."""

    low: float | None = None
    high: float | None = None


def discordance(first: float, second: float, correlation: float) -> Discordance:
    """Return how often two models with these scores differ, given the correlation of their right answers.

    A correlation that these scores cannot have is replaced by the largest possible one.
    """
    both = first * second + correlation * math.sqrt(first * (1 - first) * second * (1 - second))
    both = min(both, first, second)
    return Discordance(first - both, second - both)


def largest_correlation(first: float, second: float) -> float:
    """Return the largest correlation that right answers of two models with these scores can have.

    Raises ValueError for scores that are not between 0 and 1.
    """
    if not (0 < first < 1 and 0 < second < 1):
        raise ValueError(f"answers correlate where scores lie between 0 and 1, not at {first:g} and {second:g}")
    return (min(first, second) - first * second) / math.sqrt(first * (1 - first) * second * (1 - second))


def mcnemar_power(n: int, truth: Discordance, alpha: float = ALPHA, *, two_sided: bool = True) -> float:
    """Return the chance that McNemar's exact test on n samples shows the true difference, in its true direction.

    Sum over m discordant samples of P(m | n) times the chance that m are uneven enough. Source: Duffy 1984,
    Biometrics 40:1005-1015 (unconditional power of the exact test).
    """
    import numpy as np
    from scipy.special import bdtr

    if truth.total == 0:
        return 0.0
    low, high = likely_counts(n, truth.total)
    found = np.arange(max(1, low), high + 1)
    if not len(found):
        return 0.0
    fewer = _fewer(found, alpha / 2 if two_sided else alpha)
    against = min(truth.first, truth.second) / truth.total
    shown = np.where(fewer >= 0, bdtr(np.maximum(fewer, 0), found, against), 0.0)
    return float(np.sum(binomial_chances(found, n, truth.total) * shown))


def mcnemar_size(
    truth: Discordance, alpha: float = ALPHA, power: float = POWER, *, two_sided: bool = True
) -> int | None:
    """Return the n from which on McNemar's exact test has this power; None for no difference.

    Beyond MOST_DISCORDANT by the normal formula with its correction for continuity (Connor 1987, Biometrics
    43:207-211), which is right to a part in a thousand there.
    """
    if abs(truth.difference) < 1e-12:
        return None
    spread = math.sqrt(truth.total - truth.difference**2)
    level = alpha if two_sided else 2 * alpha
    guess = difference_size(truth.difference, spread, level, power) + 1 / abs(truth.difference)
    if guess * truth.total > MOST_DISCORDANT:
        return math.ceil(guess)
    # The teeth vanish where the number of discordant samples varies
    ahead = 4 if guess * truth.total * (1 - truth.total) > 9 else WIDEST_TOOTH
    return _least(lambda n: mcnemar_power(n, truth, alpha, two_sided=two_sided), power, (math.ceil(guess), ahead))


def detectable_difference(n: int, discordant: float, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest true difference that McNemar's exact test on n samples shows with this power.

    `discordant` is the share of samples on which the models differ; a larger difference raises it. None where not even
    a difference of 1 is shown.
    """

    def shown(difference: float) -> bool:
        total = max(discordant, difference)
        return mcnemar_power(n, Discordance((total + difference) / 2, (total - difference) / 2), alpha) >= power

    if not shown(1.0):
        return None
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def unpaired_power(n: int, rates: tuple[float, float], margins: Margins | None, alpha: float = ALPHA) -> float:
    """Return the chance that two sets of n samples each show the difference of these rates, one-sided.

    Without margins by Fisher's exact test, in the true direction; with them by Newcombe's interval, which comes close
    to the exact test that decides (`unpaired_margin`) and takes no search. Summed over both counts.
    """
    import numpy as np

    counts = [np.arange(low, high + 1) for low, high in (likely_counts(n, rate) for rate in rates)]
    first, second = counts[0][:, None], counts[1][None, :]
    if margins is None:
        better = rates[0] > rates[1]
        shown = _fisher(first, second, n, alpha) if better else _fisher(second.T, first.T, n, alpha).T
    else:
        shown = _within(*_newcombe(first / n, second / n, n, alpha), margins)
    chances = binomial_chances(first, n, rates[0]) * binomial_chances(second, n, rates[1])
    return float(np.sum(np.where(shown, chances, 0.0)))


def size_with(power_at: Callable[[int], float], guess: float, power: float = POWER) -> int:
    """Return the n from which on `power_at` reaches `power`, near `guess`; the guess itself beyond EXACT_UP_TO."""
    if guess > EXACT_UP_TO:
        return math.ceil(guess)
    return _least(power_at, power, (math.ceil(guess), 12))


def _least(power_at: Callable[[int], float], power: float, search: tuple[int, int]) -> int:
    """The n from which on every n has the power; `search` is a guess at it, and how far ahead to look for a tooth."""
    guess, ahead = search
    low, high = 0, max(1, guess)
    while power_at(high) < power:
        low, high = high, math.ceil(1.1 * high) + 1
    step = max(1, high // 16)
    while high - step > low and power_at(high - step) >= power:
        high -= step
    low = max(low, high - step)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle, high)
    n = high + 1
    while n <= high + ahead:
        if power_at(n) < power:
            high = n + 1
        n += 1
    return high


def _fewer(found: np.ndarray, alpha: float) -> np.ndarray:
    """For each number of discordant samples the largest c with P(X <= c) <= alpha at evens, -1 where there is none."""
    import numpy as np
    from scipy.special import bdtr

    z = normal_quantile(1 - 2 * alpha)
    fewer = np.clip(np.floor(found / 2 - z * np.sqrt(found) / 2 - 0.5), -1, found)
    # The normal approximation is off by one or two
    while True:
        above = (fewer < found) & (bdtr(np.minimum(fewer + 1, found), found, 0.5) <= alpha)
        below = (fewer >= 0) & (bdtr(np.maximum(fewer, 0), found, 0.5) > alpha)
        if not (above | below).any():
            return np.asarray(fewer)
        fewer = fewer + above - below


def likely_counts(n: int, share: float) -> tuple[int, int]:
    """Return the least and the largest count of n that has a chance worth counting."""
    half = REACH * math.sqrt(n * share * (1 - share)) + 3 * REACH
    return max(0, math.floor(n * share - half)), min(n, math.ceil(n * share + half))


def binomial_chances(k: np.ndarray, n: np.ndarray | int, share: np.ndarray | float) -> np.ndarray:
    """Return P(X = k), X ~ Binomial(n, share); 0 for k beyond n. `scipy.stats` costs a second to import."""
    import numpy as np
    from scipy.special import gammaln, xlog1py, xlogy

    sizes = np.asarray(n, dtype=float)
    others = np.maximum(sizes - k, 0)
    ways = gammaln(sizes + 1) - gammaln(np.asarray(k) + 1.0) - gammaln(others + 1)
    return np.where(k <= sizes, np.exp(ways + xlogy(k, share) + xlog1py(others, -share)), 0.0)


def _within(lower: np.ndarray, upper: np.ndarray, margins: Margins) -> np.ndarray:
    import numpy as np

    above = np.ones_like(lower, dtype=bool) if margins.low is None else lower > margins.low
    return above if margins.high is None else above & (upper < margins.high)


def _fisher(better: np.ndarray, worse: np.ndarray, n: int, alpha: float) -> np.ndarray:
    """Whether Fisher's one-sided test shows that `better` (a column of counts) is above `worse` (a row), n each."""
    import numpy as np
    from scipy.special import gammaln

    right = better + worse
    needed = np.full(2 * n + 1, n + 1)
    factorials = gammaln(np.arange(2 * n + 1) + 1.0)
    ways = factorials[n] - factorials[: n + 1] - factorials[n::-1]
    for total in range(int(right.min()), int(right.max()) + 1):
        counts = np.arange(max(0, total - n), min(n, total) + 1)
        whole = factorials[2 * n] - factorials[total] - factorials[2 * n - total]
        tail = np.cumsum(np.exp(ways[counts] + ways[total - counts] - whole)[::-1])[::-1]
        fits = counts[tail <= alpha]
        needed[total] = fits[0] if len(fits) else n + 1
    return np.asarray(better >= needed[right])


def _newcombe(first: np.ndarray, second: np.ndarray, n: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Newcombe's interval of first - second with confidence 1 - 2 alpha, for arrays of shares of n each."""
    import numpy as np

    low, high = _wilson(first, n, alpha)
    other_low, other_high = _wilson(second, n, alpha)
    return (
        first - second - np.hypot(first - low, other_high - second),
        first - second + np.hypot(high - first, second - other_low),
    )


def _wilson(share: np.ndarray, n: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    z = normal_quantile(1 - 2 * alpha)
    shrink = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    half = z / shrink * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.maximum(0, np.minimum(centre - half, share)), np.minimum(1, np.maximum(centre + half, share))
