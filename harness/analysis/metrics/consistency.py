"""consistency: the chance that two tries of a sample give the same answer, right or wrong.

Estimated without bias from all pairs of tries, so that runs with different `repeats` can be compared. A try without
answer agrees with none. Answers are compared as `maj@k` does: equal numbers are one answer. Of programs and texts it is
the chance that they are the same letter by letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, require_repeats, votes
from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.agreement import pairwise_agreement


@dataclass(frozen=True, slots=True)
class Consistency:
    """Agreement of pairs of tries."""

    name: str = "consistency"
    needs: int = 2

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are no two tries."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the share of the pairs of tries that agree."""
        return pairwise_agreement(votes(scores))


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    if k is not None:
        raise ConfigError(f"metric consistency takes no number: write consistency, not consistency@{k}")
    return Consistency()
