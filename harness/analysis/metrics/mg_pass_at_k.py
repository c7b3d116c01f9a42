"""mg_pass@k: the mean of g_pass@k_t over the shares t from 0.5 to 1, one number for right and steady.

From Liu et al. 2024, arXiv 2412.13147 (mG-Pass@k). For even k it is their sum; for odd k, where their sum does not
reach 1 for a model that is always right, it is the integral that the sum approximates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, passed, require_k, require_repeats
from harness.datatypes import Score
from harness.stats.g_pass import mg_pass_at_k


@dataclass(frozen=True, slots=True)
class MGPassAtK:
    """Unbiased mG-Pass@k over all tries of a sample."""

    needs: int

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"mg_pass@{self.needs}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the mean over shares of the chance that enough of k of these tries pass."""
        return mg_pass_at_k(len(scores), passed(scores), self.needs)


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError without a k."""
    return MGPassAtK(require_k(k, "mg_pass"))
