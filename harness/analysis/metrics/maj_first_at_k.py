"""maj_first@k: the worth of the answer that most of the first k tries give, as lm-evaluation-harness votes.

It is one vote, of its filters `take_first_k` and `majority_vote`: answers are compared as they were extracted, tries
without an answer vote together for none (worth 0), and of tied answers the first one given wins. `maj@k` is the mean
over all votes of k tries, in which equal numbers are one answer, no answer is no vote, and tied answers share the win:
it has less variance and does not depend on the order of tries; use maj_first@k for numbers that were published so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import Metric, require_k, require_repeats
from harness.datatypes import Score


@dataclass(frozen=True, slots=True)
class MajFirstAtK:
    """One majority vote over the first k tries."""

    needs: int

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"maj_first@{self.needs}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the value of the winning answer."""
        voters = scores[: self.needs]
        # Counter keeps the order in which answers came, so that the first of tied ones wins
        winner = Counter(score.answer for score in voters).most_common(1)[0][0]
        return next(score.value or 0.0 for score in voters if score.answer == winner)


def build(k: int | None) -> Metric:
    """Make the metric. Raises ConfigError without a k."""
    return MajFirstAtK(require_k(k, "maj_first"))
