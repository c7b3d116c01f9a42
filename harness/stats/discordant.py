"""The sequential test of two models without a margin: only samples that one solves and the other does not count.

Where one model is right and the other is not, the statement "no better" makes a win at most as likely as a loss. Given
on which samples the models differ, wins and losses are a walk of a coin (`coin_walk`). Its levels are computed for the
number of samples that there are, and hold for any number of discordant ones, which is not known before the end.

The walk spends 1 - FINAL of alpha. When all samples are used up, exactly as much as is then left is spent on the number
of wins: with few discordant samples that is more than FINAL, because the walk was short. This takes the place of
McNemar's exact test at a level of its own.

Guarantees: a true statement is refuted with probability at most alpha, a false one supported with probability at most
alpha, whenever one stops; for each of the alphas that it was made for. Needs independent samples in random order, and
no more than it was made for. A pair with an unscored side must not be fed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.stats.coin_walk import crossing, evidence, levels_for
from harness.stats.hypothesis import HypothesisTest
from harness.stats.proportions import binomial_p_value

# The share of alpha that is kept for the end, at least
FINAL = 0.2
# Products of alpha with whole numbers round; a p-value is below them
BELOW = 1 - 1e-12


@dataclass(frozen=True, slots=True)
class Levels:
    """The ln of the evidence that is enough, for each alpha, with at most `horizon` samples."""

    of_alpha: Mapping[float, float]
    horizon: int


def levels_of(alphas: Sequence[float], horizon: int) -> Levels:
    """Compute the levels; some tenths of a second for a thousand samples. Raises ValueError as `levels_for` does."""
    found = levels_for([(1 - FINAL) * alpha for alpha in alphas], horizon)
    return Levels({alpha: found[(1 - FINAL) * alpha] for alpha in alphas}, horizon)


@dataclass(slots=True)
class LeadTest:
    """Is a win at least as likely as a loss? (More likely, or not less: no number of samples tells these apart.)"""

    levels: Levels
    n: int = 0
    wins: int = 0
    losses: int = 0
    log_against: float = 0.0
    log_for: float = 0.0
    highest_against: float = 0.0
    highest_in_favour: float = 0.0
    certain: str = ""
    _final: HypothesisTest | None = None

    def feed(self, total: float, count: int = 1) -> None:
        """Take the next difference: 1, 0 or -1. Raises ValueError for another, or when all samples were fed."""
        if total not in (-1, 0, 1) or count != 1:
            raise ValueError(f"a paired difference is -1, 0 or 1, not {total:g}")
        if self.n >= self.levels.horizon:
            raise ValueError(f"all {self.levels.horizon} samples were fed already")
        self.n, self.wins, self.losses = self.n + 1, self.wins + (total > 0), self.losses + (total < 0)
        if total:
            decided = self.wins + self.losses
            self.log_for, self.log_against = evidence(self.wins, decided), evidence(self.losses, decided)
            self.highest_in_favour = max(self.highest_in_favour, self.log_for)
            self.highest_against = max(self.highest_against, self.log_against)

    def finish(self) -> None:
        """All samples are used up: test with what is left of alpha."""
        if self._final is None:
            self._final = HypothesisTest(
                self._p_at_end(self.losses, self.highest_against), self._p_at_end(self.wins, self.highest_in_favour)
            )

    @property
    def test(self) -> HypothesisTest:
        """The p-values so far: the least alpha whose level was reached; above all of them, the bound of Ville."""
        return self._final or HypothesisTest(self._p(self.highest_against), self._p(self.highest_in_favour))

    def level(self, alpha: float, word: str) -> float:
        """The ln of the evidence that is enough at this error rate, whatever the word. Raises KeyError for another."""
        return self.levels.of_alpha[alpha]

    def _p(self, highest: float) -> float:
        ville = min(1.0, math.exp(-min(max(highest, 0.0), 700.0)) / (1 - FINAL))
        return min([ville, *(BELOW * alpha for alpha, level in self.levels.of_alpha.items() if highest >= level)])

    def _p_at_end(self, won: int, highest: float) -> float:
        """The least alpha whose level was reached, or whose rest is enough for the wins at the end."""
        decided = self.wins + self.losses
        found = self._p(highest)
        if not decided:
            return found
        for alpha in sorted(self.levels.of_alpha):
            if alpha < found and won >= least_at_end(alpha, self.levels.of_alpha[alpha], decided):
                found = BELOW * alpha
        return min(found, binomial_p_value(won, decided, 0.5, "greater") / FINAL)


def least_at_end(alpha: float, level: float, decided: int) -> int:
    """The least number of wins of `decided` that shows a lead when all samples are used up: what is left is spent."""
    import numpy as np

    walk = crossing([level], decided)
    tails = np.cumsum(walk.at_end[0][::-1])[::-1]
    enough = np.flatnonzero(tails <= alpha - walk.chance[0])
    return int(enough[0]) if len(enough) else decided + 1
