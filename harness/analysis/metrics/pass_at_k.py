"""pass@k: the chance that at least one of k tries passes.

A try passes when its score is 1; a part of 1 is no pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, passed, require_k, require_repeats
from harness.datatypes import Score
from harness.stats.pass_at_k import pass_at_k


@dataclass(frozen=True, slots=True)
class PassAtK:
    """Unbiased pass@k (Chen et al. 2021, arXiv 2107.03374) over all tries of a sample."""

    needs: int

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"pass@{self.needs}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the chance that one of k of these tries passes."""
        return pass_at_k(len(scores), passed(scores), self.needs)


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError without a k."""
    return PassAtK(require_k(k, "pass"))
