"""weighted_mean: the mean over samples by their weights, such as IFEval's instruction level: right of all instructions.

The weight is `detail["weight"]` of each score: from the score entry's `weight`, a template, or from a page's own
function. With the value as a share of a sample's parts and the weight as their number, it is the share of all parts.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.analysis.metrics.base import CorpusMetric
from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval, weighted_mean_interval


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Weighted mean over samples; a sample's tries are averaged first, each by its own weight."""

    name: str = "weighted_mean"
    needs: int = 1
    sums: tuple[str, ...] = ("weight",)

    def check(self, repeats: int) -> None:
        """Accept any number of repeats."""

    def of_corpus(self, samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable]) -> MeanInterval | None:
        """Return the weighted mean; None where no sample weighs anything. Raises ConfigError for scores without one."""
        try:
            tries = [[(score.value or 0.0, float(score.detail["weight"])) for score in scores] for scores in samples]
        except KeyError:
            raise ConfigError(f"metric {self.name} needs the `weight` of every score") from None
        weights = [math.fsum(weight for _, weight in own) / len(own) for own in tries]
        tops = [math.fsum(value * weight for value, weight in own) / len(own) for own in tries]
        if not any(weights):
            return None
        values = [top / weight if weight else 0.0 for top, weight in zip(tops, weights, strict=True)]
        return weighted_mean_interval(values, weights, clusters)


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    if k is not None:
        raise ConfigError(f"metric weighted_mean takes no number: write weighted_mean, not weighted_mean@{k}")
    return WeightedMean()
