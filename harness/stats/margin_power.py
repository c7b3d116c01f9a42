"""Power and sizes of the exact test with a margin (`margin_test`): right or wrong answers of two models to n samples.

The test shows a difference where Tango's statistic reaches a value that depends on n, the margin and alpha alone
(`critical`); power is the chance of that, summed over wins and losses. Power is conditional on the assumed true rates.
"""

from __future__ import annotations

import math
from functools import lru_cache

from harness.stats.intervals import normal_quantile
from harness.stats.margin_test import ROUNDING, largest_chances, most_losses
from harness.stats.power import ALPHA, POWER
from harness.stats.two_model_power import Discordance, Margins, binomial_chances, likely_counts

# Beyond it the test is as good as the normal one, whose critical value it then has
EXACT_UP_TO = 2_000
# Up to it every n has a critical value of its own; beyond it neighbours share one, in steps of this factor
EACH_UP_TO, STEP = 400, 1.04
# How far ahead of a size to look for one with less power
AHEAD = 6
# Steps of the search for a critical value, and of the shares that decide it
FINE, WORST = 1e-4, 8


def paired_margin_power(n: int, truth: Discordance, margins: Margins, alpha: float = ALPHA) -> float:
    """Return the chance that n paired samples show the difference within `margins`, each end one-sided at alpha."""
    return _power(n, truth, margins, (n, alpha))


def margin_size(truth: Discordance, margins: Margins, guess: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """Return the n from which on the test has this power, near `guess`; the guess itself beyond EXACT_UP_TO.

    Power is a saw-tooth in n: up to EACH_UP_TO samples with the critical value of each n, beyond with that of an n
    within 2 %, which changes the size by less than a per cent.
    """
    if guess > EXACT_UP_TO:
        return math.ceil(guess)

    def shown(n: int) -> bool:
        return _power(n, truth, margins, (_near(n), alpha)) >= power

    low, high = 0, max(1, math.ceil(guess))
    while not shown(high):
        low, high = high, math.ceil(1.1 * high) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    n = high + 1
    while n <= high + AHEAD:
        if not shown(n):
            high = n + 1
        n += 1
    return high


@lru_cache(maxsize=1024)
def critical(n: int, shift: float, alpha: float) -> float:
    """Return the least statistic, to 0.0001, with which n samples show "the difference is above `shift`" at alpha."""
    import numpy as np

    if n > EXACT_UP_TO:
        return normal_quantile(1 - 2 * alpha)
    usual = normal_quantile(1 - 2 * alpha)
    shares, chances = largest_chances(n, shift, most_losses(usual, n, shift))
    worst = shares[np.argsort(chances)[-WORST:]]
    low, high = 0.0, 2 * usual + 3
    while high - low > FINE:
        middle = (low + high) / 2
        _, found = largest_chances(n, shift, most_losses(middle, n, shift), worst)
        low, high = (low, middle) if found.max() <= alpha else (middle, high)
    # Elsewhere it may be a little larger
    while largest_chances(n, shift, most_losses(high, n, shift))[1].max() > alpha:
        high += 50 * FINE
    return high


def _power(n: int, truth: Discordance, margins: Margins, level: tuple[int, float]) -> float:
    """`level`: the n whose critical value is taken, and alpha."""
    import numpy as np
    from scipy.special import bdtr

    first, last = likely_counts(n, truth.first)
    wins = np.arange(first, last + 1)
    most, least = n - wins, np.zeros(len(wins), dtype=int)
    if margins.low is not None:
        bound = critical(level[0], margins.low, level[1])
        most = most_losses(bound - ROUNDING, n, margins.low)[wins]
    if margins.high is not None:
        # Wins and losses exchanged: for each number of losses the most wins
        bound = critical(level[0], -margins.high, level[1])
        most_wins = most_losses(bound - ROUNDING, n, -margins.high)
        least = np.searchsorted(most_wins, wins)
    share = min(1.0, truth.second / (1 - truth.first)) if truth.first < 1 else 0.0
    upto = np.where(most >= 0, bdtr(np.maximum(most, 0), n - wins, share), 0.0)
    below = np.where(least > 0, bdtr(np.minimum(np.maximum(least - 1, 0), n - wins), n - wins, share), 0.0)
    return float(np.sum(binomial_chances(wins, n, truth.first) * np.maximum(0.0, upto - below)))


def _near(n: int) -> int:
    """The n whose critical value is taken."""
    if n <= EACH_UP_TO:
        return n
    return round(EACH_UP_TO * STEP ** round(math.log(n / EACH_UP_TO, STEP)))
