"""What a plan knows and assumes of a task's samples: several completions, partial credit, groups, and their spread.

The task page says which of these there are. How far scores scatter, and how alike those of one sample or one group are,
only answers can tell: each is an option with a default, and `lines` says what was assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from harness.stats.bets import GRADED_DIFFERENCES, SCORES
from harness.stats.bets_stop import Groups, Population
from harness.stats.two_model_power import Discordance

# Medians over the models of CRUXEval's matrices (crux-eval/crux-eval.github.io): the correlation of ten completions of
# one sample, and of right answers to two questions on one program, of one model and of the difference of two
ALIKE = 0.87
ICC, ICC_OF_DIFFERENCES = 0.2, 0.05
# Of partial credit: the part of the largest variance that a mean allows
PARTIAL = 0.5
GROUP = Groups(4.0, 4)
GROUPED = "samples are in groups"


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the user assumes; None: the defaults above.

    `spread`: the standard deviation of a sample's score, which is its mean over repeats; `icc`: the intra-cluster
    correlation of the samples of a group (of two models: of their differences); `groups`: how large groups are.
    """

    spread: float | None = None
    icc: float | None = None
    groups: Groups | None = None


@dataclass(frozen=True, slots=True)
class PlannedSamples:
    """A task's samples. `repeats`: completions of each; `partial`: scores between 0 and 1; `in_groups`: a skill's."""

    repeats: int = 1
    partial: bool = False
    in_groups: bool = False
    assumed: Assumed = Assumed()

    @property
    def kind(self) -> str:
        """Why they get the test by bets, in words; empty for independent right or wrong answers."""
        if self.repeats > 1:
            return "a sample has several completions"
        return GROUPED if self.in_groups else "there is partial credit" if self.partial else ""

    @property
    def graded(self) -> bool:
        """Whether the values may be other than 0 and 1."""
        return self.partial or self.repeats > 1

    @property
    def groups(self) -> Groups | None:
        """The groups that are assumed."""
        return (self.assumed.groups or GROUP) if self.in_groups else None

    def score(self, mean: float) -> Population:
        """One model's values, its true score being `mean`."""
        icc = ICC if self.assumed.icc is None else self.assumed.icc
        return Population(mean, self._deviation(mean), SCORES, self.groups, icc if self.in_groups else 0.0)

    def difference(self, scores: tuple[float, float], correlation: float, truth: Discordance) -> Population:
        """The differences of two models with these true scores; `truth`: how often right answers differ."""
        first, second = scores
        one, other = self._deviation(first), self._deviation(second)
        variance = truth.total - truth.difference**2
        if self.graded:
            variance = max(0.0, one * one + other * other - 2 * correlation * one * other)
        icc = ICC_OF_DIFFERENCES if self.assumed.icc is None else self.assumed.icc
        return Population(
            first - second, math.sqrt(variance), GRADED_DIFFERENCES, self.groups, icc if self.in_groups else 0.0
        )

    def lines(self, *, pairs: bool) -> Iterator[str]:
        """Yield what stops assume, a sentence for each option that changes it."""
        own = self.assumed
        if self.graded:
            yield _sentence(self._spread_text(), "--spread", default=own.spread is None)
        if self.in_groups:
            groups = self.groups or GROUP
            sizes = f"{groups.mean:g} samples each"
            if groups.mean != groups.largest:
                sizes = f"{groups.mean:g} samples on average, {groups.largest} at most"
            yield _sentence(f"groups have {sizes}", "--group-size", default=own.groups is None)
            icc = own.icc if own.icc is not None else ICC_OF_DIFFERENCES if pairs else ICC
            of = "differences of the two models" if pairs else "scores"
            yield _sentence(f"{of} within a group correlate by {icc:g}", "--icc", default=own.icc is None)

    def _spread_text(self) -> str:
        if self.assumed.spread is not None:
            own = f"the standard deviation of a sample's score is {self.assumed.spread:g}"
            return f"{own}, or the largest that its mean allows where that is less (at 0.95: {_largest(0.95):.2f})"
        half = f"a standard deviation of {self._deviation(0.5):.2f} at 0.5"
        if self.repeats > 1:
            of = f"completions of one sample correlate by {ALIKE:g}: a sample's mean over {self.repeats} has {half}"
            return f"{of}, with partial credit" if self.partial else of
        return f"scores have half of the largest variance: {half}"

    def _deviation(self, mean: float) -> float:
        if not self.graded:
            return _largest(mean)
        if self.assumed.spread is not None:
            return min(self.assumed.spread, _largest(mean))
        part = PARTIAL if self.partial else 1.0
        return math.sqrt(part * (ALIKE + (1 - ALIKE) / self.repeats)) * _largest(mean)


def _largest(mean: float) -> float:
    """The largest standard deviation of values from 0 to 1 with this mean: all of them 0 or 1."""
    return math.sqrt(mean * (1 - mean))


def _sentence(what: str, option: str, *, default: bool) -> str:
    return f"Stops assume that {what} ({'default; change it with ' if default else ''}{option})."
