"""Sequential tests of two models on the same samples, valid at any stopping time.

Each sample gives a difference: 1 (only the subject is right, a win), -1 (a loss) or 0 (a tie), or any number from -1 to
1 of graded scores. The statement is about the mean difference. Which test it gets:

- a large pool of samples, right or wrong answers, independent, no margin: the walk of wins and losses (`discordant`);
- exactly these items, a margin, graded scores, or clusters: bets on the differences (`bets`). "Within" is both ends,
  each at alpha. For exactly these items a tie counts, too: the fewer are left, the less can still change.

Guarantees: a true statement is refuted with probability at most alpha, a false one supported with probability at most
alpha, whenever one stops. Needs samples (or whole clusters) in random order; for a large pool also independent ones. A
pair with an unscored side must not be fed: it is neither a win nor a loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.stats.bets import DIFFERENCES, GRADED_DIFFERENCES, Fed, MeanTest, anytime_mean_interval
from harness.stats.discordant import LeadTest, Levels, levels_of
from harness.stats.hypothesis import HypothesisTest
from harness.stats.relations import Gap


class Side(Protocol):
    """One statement "the mean difference is at least (or above) so much", tested while it is fed."""

    highest_against: float
    highest_in_favour: float

    @property
    def log_against(self) -> float: ...

    @property
    def log_for(self) -> float: ...

    @property
    def certain(self) -> str: ...

    @property
    def test(self) -> HypothesisTest: ...

    def feed(self, total: float, count: int = 1) -> None: ...

    def level(self, alpha: float, word: str) -> float: ...

    def finish(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Pairs:
    """What is known of the pairs before the first: how many there are, and of which kind.

    `of_items`: the statement is about exactly these; `graded`: scores are not only 0 and 1; `largest`: samples in the
    largest cluster, 1 if all are independent.
    """

    size: int
    of_items: bool = False
    graded: bool = False
    largest: int = 1

    def can_walk(self, gap: Gap) -> bool:
        """Whether wins and losses are all that counts."""
        return gap.shift == 0 and not gap.within and not self.graded and self.largest == 1 and not self.of_items


def pair_levels(gap: Gap, pairs: Pairs, alphas: Sequence[float]) -> Levels | None:
    """The levels for these pairs at each alpha; None where bets need none. Same for all comparators on a task."""
    return levels_of(alphas, pairs.size) if pairs.can_walk(gap) else None


class PairedTest:
    """A relation between two models' scores, sample by sample: above, below, or within a margin.

    `strict`: a mean difference exactly at the shift does not meet the relation (only exactly these items can tell).
    """

    def __init__(self, gap: Gap, pairs: Pairs, levels: Levels | None, *, strict: bool = False) -> None:
        """`levels`: of `pair_levels`. Raise ValueError for a ratio (`times`), or a shift at or beyond -1 or 1."""
        if gap.times != 1:
            raise ValueError("a ratio of two scores has no sequential test here")
        self.gap, self.pairs = gap, pairs
        self.wins = self.losses = self.ties = 0
        self.totals: list[float] = []
        self.counts: list[int] = []
        self.sides: tuple[tuple[int, Side], ...]
        sign = 1 if gap.upward else -1
        if levels is not None:
            self.sides = ((sign, LeadTest(levels)),)
        elif gap.within:
            self.sides = ((1, self._bets(-gap.margin)), (-1, self._bets(-gap.margin)))
        else:
            self.sides = ((sign, self._bets(sign * gap.shift, strict=strict)),)

    def _bets(self, shift: float, *, strict: bool = False) -> MeanTest:
        values = GRADED_DIFFERENCES if self.pairs.graded or self.pairs.largest > 1 else DIFFERENCES
        size = self.pairs.size if self.pairs.of_items else None
        return MeanTest(shift, values, size, strict, self.pairs.largest)

    @property
    def n(self) -> int:
        """Pairs fed."""
        return sum(self.counts)

    @property
    def difference(self) -> float:
        """The mean difference so far; 0 without a pair."""
        return math.fsum(self.totals) / self.n if self.counts else 0.0

    def feed(self, values: Sequence[float], baseline: Sequence[float]) -> None:
        """Take both models' values of the next sample, or of all samples of the next cluster.

        Raises ValueError for values other than from 0 to 1; or, unless `graded`, other than 0 and 1.
        """
        both = (*values, *baseline)
        if not self.pairs.graded and any(one not in (0, 1) for one in both):
            raise ValueError(f"this test is for values of 0 or 1, not {both}")
        if any(not 0 <= one <= 1 for one in both):
            raise ValueError(f"this test is for values from 0 to 1, not {both}")
        differences = [value - base for value, base in zip(values, baseline, strict=True)]
        total = math.fsum(differences)
        for sign, side in self.sides:
            side.feed(sign * total, len(differences))
        self.totals.append(total)
        self.counts.append(len(differences))
        self.wins += sum(one > 0 for one in differences)
        self.losses += sum(one < 0 for one in differences)
        self.ties += sum(one == 0 for one in differences)

    def finish(self) -> None:
        """All samples are used up: spend what is left of alpha, if anything is."""
        for _, side in self.sides:
            side.finish()

    @property
    def certain(self) -> str:
        """`supported` or `refuted` once the items left cannot change the answer; else empty."""
        words = [side.certain for _, side in self.sides]
        if "refuted" in words:
            return "refuted"
        return "supported" if all(words) else ""

    @property
    def test(self) -> HypothesisTest:
        """The p-values so far. `within` must hold at both ends, each at alpha; beyond one or the other: two tests."""
        if self.certain:
            return HypothesisTest(1.0, 0.0) if self.certain == "supported" else HypothesisTest(0.0, 1.0)
        tests = [side.test for _, side in self.sides]
        return HypothesisTest(
            min(1.0, len(tests) * min(test.p_against for test in tests)), max(test.p_for for test in tests)
        )

    @property
    def log_against(self) -> float:
        """The ln of the e-value against the relation now. `within`: of the better end, halved for two tests."""
        return max(side.log_against for _, side in self.sides) - math.log(len(self.sides))

    @property
    def log_for(self) -> float:
        """The ln of the e-value for the relation now. `within`: of the worse end, each at its highest so far.

        Both ends must be shown, each at a time of its own.
        """
        if self.certain == "supported":
            return math.inf
        if len(self.sides) == 1:
            return self.sides[0][1].log_for
        return min(side.highest_in_favour for _, side in self.sides)

    @property
    def highest_against(self) -> float:
        """The highest `log_against` so far."""
        return max(side.highest_against for _, side in self.sides) - math.log(len(self.sides))

    @property
    def highest_for(self) -> float:
        """The highest `log_for` so far; `within`: of the worse end, each at a time of its own."""
        return min(side.highest_in_favour for _, side in self.sides)

    def level(self, alpha: float, word: str) -> float:
        """The ln of the evidence that is enough to say `refuted` or `supported` at this error rate.

        Raises KeyError for one that the levels lack.
        """
        return self.sides[0][1].level(alpha, word)

    @property
    def by_walk(self) -> bool:
        """Whether the evidence is that of a walk, with levels of its own, and no e-value of bets."""
        return isinstance(self.sides[0][1], LeadTest)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval of the mean difference that is valid at all stopping times at once (`bets`)."""
        values = GRADED_DIFFERENCES if self.pairs.graded or self.pairs.largest > 1 else DIFFERENCES
        size = self.pairs.size if self.pairs.of_items else None
        fed = Fed(tuple(self.totals), tuple(self.counts), values, size, self.pairs.largest)
        return anytime_mean_interval(fed, confidence)
