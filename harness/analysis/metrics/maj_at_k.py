"""maj@k: the worth of the answer that most of k tries give.

Tied answers share the win; a try without answer casts no vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, require_k, require_repeats, votes
from harness.datatypes import Score
from harness.stats.majority import majority_at_k


@dataclass(frozen=True, slots=True)
class MajAtK:
    """Majority vote over answers, exact over all subsets of k tries (arXiv 2203.11171)."""

    needs: int

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"maj@{self.needs}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the expected value of the winning answer."""
        return majority_at_k(votes(scores), [score.value or 0.0 for score in scores], self.needs)


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError without a k."""
    return MajAtK(require_k(k, "maj"))
