"""Where the sequential test of two models stops, given how often the models differ: half and 80 % of its runs.

For the walk of wins and losses (`discordant`) by exact sums: over the steps of the walk, and over how many samples are
discordant. For bets by simulation (`bets_stop`) of the differences drawn here. Conditional on the assumed true rates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.stats.bets import DIFFERENCES
from harness.stats.bets_stop import SEED, WALKS, Walks
from harness.stats.coin_walk import crossing
from harness.stats.discordant import Levels
from harness.stats.two_model_power import Discordance


@dataclass(frozen=True, slots=True)
class PairedStop:
    """Samples after which half and 80 % of the runs have ended; all end with the last sample."""

    half: int
    most: int


def walk_stop(levels: Levels, alpha: float, truth: Discordance) -> PairedStop:
    """Where the walk ends. Raises KeyError for an alpha without a level."""
    import numpy as np
    from scipy.special import bdtrc

    n = levels.horizon
    if not truth.total:
        return PairedStop(n, n)
    # That the less likely side is shown has a chance below alpha, and is left out
    at_step = crossing([levels.of_alpha[alpha]], n, max(truth.first, truth.second) / truth.total).at_step[0]
    steps = np.arange(1, n + 1)

    def ended(samples: int) -> float:
        return float((at_step * bdtrc(steps - 1, samples, truth.total))[:samples].sum())

    return PairedStop(*(_first(ended, share_ended, n) for share_ended in (0.5, 0.8)))


def walks_of_pairs(truth: Discordance, n: int, *, of_items: bool) -> Walks:
    """Draw differences of right or wrong answers to n samples, a run in each row, for `bets_stop`.

    Independent ones; or, with `of_items`, orders of exactly these items.
    """
    import numpy as np

    draw = np.random.default_rng(SEED)
    if of_items:
        won, lost = round(truth.first * n), min(n - round(truth.first * n), round(truth.second * n))
        items = np.repeat(np.array([1.0, -1.0, 0.0]), [won, lost, n - won - lost])
        drawn = draw.permuted(np.tile(items, (WALKS, 1)), axis=1)
    else:
        rest = max(0.0, 1 - truth.first - truth.second)
        drawn = draw.choice([1.0, -1.0, 0.0], (WALKS, n), p=[truth.first, truth.second, rest])
    return Walks(drawn, np.ones((WALKS, n)), DIFFERENCES, n if of_items else None)


def _first(ended: Callable[[int], float], share: float, n: int) -> int:
    """The least number of samples by which so large a share has ended; n at the latest."""
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if ended(middle) >= share else (middle, high)
    return high
