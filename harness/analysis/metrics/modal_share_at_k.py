"""modal_share@k: the share that the commonest answer has among k tries, right or wrong.

Exact over all subsets of k tries. It falls as k grows, so compare it at equal k; `consistency` does not depend on k. A
try without answer counts as a try. Answers are compared as `maj@k` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, require_k, require_repeats, votes
from harness.datatypes import Score
from harness.stats.agreement import modal_share_at_k


@dataclass(frozen=True, slots=True)
class ModalShareAtK:
    """Share of the commonest answer."""

    needs: int

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"modal_share@{self.needs}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the expected share of the commonest answer of k of these tries."""
        return modal_share_at_k(votes(scores), self.needs)


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError without a k."""
    return ModalShareAtK(require_k(k, "modal_share"))
