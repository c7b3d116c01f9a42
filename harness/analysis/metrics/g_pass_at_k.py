"""g_pass@k_t: the chance that at least the share t of k tries passes; `g_pass@8_0.5` is 4 of 8, `g_pass@8_1` all 8.

It says how steady a model is: pass@k counts a sample that is right once, g_pass@k_1 only what is right every time
(Liu et al. 2024, arXiv 2412.13147). A try passes when its score is 1. t = 0 is pass@k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from harness.analysis.metrics.base import Metric, passed, require_k, require_repeats
from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.g_pass import g_pass_at_k, needed_of


@dataclass(frozen=True, slots=True)
class GPassAtK:
    """Unbiased G-Pass@k over all tries of a sample; `share` as it was written, so that the name comes back."""

    needs: int
    share: str

    @property
    def name(self) -> str:
        """The name as users write it."""
        return f"g_pass@{self.needs}_{self.share}"

    def check(self, repeats: int) -> None:
        """Raise ConfigError when there are fewer repeats than k."""
        require_repeats(self.name, self.needs, repeats)

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the chance that enough of k of these tries pass."""
        least = needed_of(self.needs, Fraction(self.share))
        return g_pass_at_k(len(scores), passed(scores), self.needs, least)


def build(k: int | None) -> Metric:
    """Raise ConfigError: the metric needs its share."""
    raise ConfigError(f"metric g_pass needs the share of its tries that must pass: write g_pass@{k or 8}_0.5")


def build_with_share(k: int, share: str) -> Metric:
    """Make the metric. Raises ConfigError without a k, or for a share above 1."""
    k = require_k(k, "g_pass")
    if Fraction(share) > 1:
        raise ConfigError(f"metric g_pass@{k}_{share}: the share of tries that must pass is at most 1, such as 0.5")
    return GPassAtK(k, share)
