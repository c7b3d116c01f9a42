"""Exact test of two models' difference with a margin: right or wrong answers to the same samples.

Of n samples `wins` are solved by the subject only, `losses` by the comparator only. The statistic is Tango's score
(1998, Stat. Med. 17:891-908); its p-value is the largest one over all shares of samples on which the two may differ,
with the true difference at the margin (Sidik 2003, Stat. Med. 22:265-278). The interval of Bonett and Price, inverted,
is no test: where the two hardly ever differ it shows a false statement in one case of ten.

Guarantees: a false statement is shown with probability at most alpha, whatever n, the margin and how often the two
differ, as far as a grid with refinements finds the largest value. Needs independent samples.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.stats.two_model_power import binomial_chances, likely_counts

if TYPE_CHECKING:
    import numpy as np

# Shares of disagreement that are tried from below and from above, and how often the surroundings of the worst one are
# tried more finely
SHARES, FROM_ABOVE = 100, 60
REFINED, FINER = 3, 9
# Two statistics this close are one
ROUNDING = 1e-9
# A p-value of 0 says that something is certain
LEAST = 1e-300


@lru_cache(maxsize=256)
def margin_p_value(wins: int, losses: int, n: int, shift: float) -> float:
    """Return the p-value of "the difference is at most `shift`" (small: it is above).

    That of "at least" is the one with wins and losses exchanged and the opposite shift. Raises ValueError for counts
    that cannot be.
    """
    import numpy as np

    if min(wins, losses) < 0 or n < 1 or wins + losses > n:
        raise ValueError(f"{wins} wins and {losses} losses in {n} samples: such counts are impossible")
    if abs(shift) >= 1:
        # No difference is below -1 or above 1
        return LEAST if (wins - losses) / n > shift else 1.0
    seen = float(_score(np.array([wins]), np.array([losses]), n, shift)[0])
    _, chances = largest_chances(n, shift, most_losses(seen - ROUNDING, n, shift))
    return min(1.0, max(LEAST, float(chances.max())))


def largest_chances(
    n: int, shift: float, most: np.ndarray, shares: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return shares that only the comparator solves, and the chance of at most `most[wins]` losses at each.

    With the true difference at the shift. `shares`: only these; None: all of the grid, and finer ones about the worst.
    """
    import numpy as np

    if shares is not None:
        return shares, _chances(shares, shift, n, most)
    # The worst share is mostly where the two hardly differ, at times where they nearly always do
    low, high = max(0.0, -shift), (1 - shift) / 2
    below, above = np.linspace(0, 1, SHARES) ** 3, 1 - np.linspace(0, 1, FROM_ABOVE) ** 3
    grid = low + (high - low) * np.unique(np.concatenate([below, above]))
    return refined(grid, lambda shares: _chances(shares, shift, n, most))


def refined(grid: np.ndarray, chances_of: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return shares and their chances: those of a grid, and of finer ones about the largest chance."""
    import numpy as np

    chances = chances_of(grid)
    tried, found = [grid], [chances]
    for _ in range(REFINED):
        at = int(np.argmax(chances))
        grid = np.linspace(grid[max(0, at - 1)], grid[min(len(grid) - 1, at + 1)], FINER)
        chances = chances_of(grid)
        tried.append(grid)
        found.append(chances)
    return np.concatenate(tried), np.concatenate(found)


def _score(wins: np.ndarray, losses: np.ndarray, n: int, shift: float) -> np.ndarray:
    """Tango's statistic: the difference less the shift, by its standard error where the shift is the truth."""
    import numpy as np

    # The likeliest share that only the comparator solves, if the difference is the shift
    linear = wins + losses - 2 * n * shift + shift * (wins - losses)
    root = np.sqrt(np.maximum(0.0, linear**2 + 8 * n * losses * shift * (1 - shift)))
    share = np.clip((linear + root) / (4 * n), max(0.0, -shift), (1 - shift) / 2)
    spread = np.sqrt(np.maximum(n * (2 * share + shift - shift**2), 1e-12))
    return np.asarray((wins - losses - n * shift) / spread)


def most_losses(seen: float, n: int, shift: float) -> np.ndarray:
    """Return for each number of wins the most losses with a statistic of at least `seen`, -1 where there are none."""
    import numpy as np

    wins = np.arange(n + 1)
    low, high = np.full(n + 1, -1), n - wins
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = _score(wins, middle, n, shift) >= seen
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    # At (-1) losses the loop may have looked at no count at all; more wins never allow fewer losses
    return np.asarray(np.minimum(np.maximum.accumulate(low), n - wins))


def _chances(losing: np.ndarray, shift: float, n: int, most: np.ndarray) -> np.ndarray:
    """The chance of a statistic as large, for each share that the comparator alone solves."""
    import numpy as np
    from scipy.special import bdtr

    winning = np.clip(losing + shift, 0.0, 1.0)
    first = min(likely_counts(n, float(share))[0] for share in (winning.min(), winning.max()))
    last = max(likely_counts(n, float(share))[1] for share in (winning.min(), winning.max()))
    wins = np.arange(first, min(last, n) + 1)
    limit = most[wins]
    share = np.where(winning < 1, np.minimum(1.0, losing / np.maximum(1 - winning, 1e-12)), 0.0)[:, None]
    below = np.where(limit >= 0, bdtr(np.maximum(limit, 0), n - wins, share), 0.0)
    return np.asarray((binomial_chances(wins, n, winning[:, None]) * below).sum(axis=1))
