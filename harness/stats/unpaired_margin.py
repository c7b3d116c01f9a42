"""Exact test of two unpaired shares against a margin or a ratio: k of n right answers against k' of n'.

The statistic is the score of Farrington and Manning (1990, Stat. Med. 9:1447-1454): the contrast p - times * p' less
the shift, by its standard error at the likeliest shares whose contrast is the shift. Its p-value is the largest one
over all such shares (Chan 1998, Stat. Med. 17:1403-1413). Newcombe's interval, inverted, is no test: where shares are
near 0 or 1 it shows a false statement more often than it says.

Guarantees: a false statement is shown with probability at most alpha, as far as a grid with refinements finds the
largest value. Needs independent samples.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.stats.margin_test import LEAST, ROUNDING, SHARES, refined
from harness.stats.two_model_power import binomial_chances, likely_counts

if TYPE_CHECKING:
    import numpy as np


@lru_cache(maxsize=256)
def unpaired_margin_p_value(
    first: tuple[int, int], second: tuple[int, int], shift: float = 0.0, times: float = 1.0
) -> float:
    """Return the p-value of "p_first - times * p_second is at most `shift`" (small: it is above), each (k, n).

    That of "at least" is the one of wrong answers, see `unpaired_margin_p_value_below`. Raises ValueError for counts
    that cannot be, or a ratio that is not above 0.
    """
    import numpy as np

    (k, n), (other, size) = first, second
    if not (0 <= k <= n and 0 <= other <= size and n and size and times > 0):
        raise ValueError(f"{k} of {n} and {other} of {size}, times {times:g}: such counts are impossible")
    if not -times < shift < 1:
        # No contrast is below -times or above 1
        return LEAST if k / n - times * other / size > shift else 1.0
    seen = float(_score(np.array([k]), np.array([other]), (n, size), (shift, times))[0])
    most = _most_of_second(seen - ROUNDING, (n, size), (shift, times))
    low, high = max(0.0, -shift / times), min(1.0, (1 - shift) / times)
    # More of the grid at the ends, where a share is 0 or 1
    grid = low + (high - low) * (1 - np.cos(np.linspace(0, math.pi, SHARES))) / 2

    def chances_of(shares: np.ndarray) -> np.ndarray:
        return np.array([_chance(share, most, (n, size), (shift, times)) for share in shares.tolist()])

    _, chances = refined(grid, chances_of)
    return min(1.0, max(LEAST, float(chances.max())))


def unpaired_margin_p_value_below(
    first: tuple[int, int], second: tuple[int, int], shift: float = 0.0, times: float = 1.0
) -> float:
    """Return the p-value of "p_first - times * p_second is at least `shift`" (small: it is below)."""
    # Divided by -times it is "p_second - p_first / times is at most -shift / times"
    return unpaired_margin_p_value(second, first, -shift / times, 1 / times)


def _score(k: np.ndarray, other: np.ndarray, sizes: tuple[int, int], null: tuple[float, float]) -> np.ndarray:
    """The contrast less the shift, by its standard error where the shift is the truth."""
    import numpy as np

    (n, size), (shift, times) = sizes, null
    k, other = np.broadcast_arrays(k, other)
    low, high = np.full(k.shape, max(0.0, -shift / times)), np.full(k.shape, min(1.0, (1 - shift) / times))
    # The log-likelihood is concave in the second share: its slope has one root
    for _ in range(40):
        share = (low + high) / 2
        mine = times * share + shift
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (
                times * (np.where(k > 0, k / mine, 0.0) - np.where(k < n, (n - k) / (1 - mine), 0.0))
                + np.where(other > 0, other / share, 0.0)
                - np.where(other < size, (size - other) / (1 - share), 0.0)
            )
        low, high = np.where(slope > 0, share, low), np.where(slope > 0, high, share)
    share = (low + high) / 2
    mine = np.clip(times * share + shift, 0.0, 1.0)
    variance = mine * (1 - mine) / n + times**2 * share * (1 - share) / size
    return np.asarray((k / n - times * other / size - shift) / np.sqrt(np.maximum(variance, 1e-12)))


def _most_of_second(seen: float, sizes: tuple[int, int], null: tuple[float, float]) -> np.ndarray:
    """For each count of the first the largest one of the second with a statistic of at least `seen`; -1: none."""
    import numpy as np

    n, size = sizes
    k = np.arange(n + 1)
    low, high = np.full(n + 1, -1), np.full(n + 1, size)
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = _score(k, middle, sizes, null) >= seen
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    # More right answers of the first never allow fewer of the second (Barnard's convexity)
    return np.asarray(np.maximum.accumulate(low))


def _chance(share: float, most: np.ndarray, sizes: tuple[int, int], null: tuple[float, float]) -> float:
    """The chance of a statistic as large, the second's share being `share` and the contrast the shift."""
    import numpy as np
    from scipy.special import bdtr

    (n, size), (shift, times) = sizes, null
    mine = min(1.0, max(0.0, times * share + shift))
    first, last = likely_counts(n, mine)
    k = np.arange(first, last + 1)
    below = np.where(most[k] >= 0, bdtr(np.maximum(most[k], 0), size, min(1.0, share)), 0.0)
    return math.fsum(binomial_chances(k, n, mine) * below)
