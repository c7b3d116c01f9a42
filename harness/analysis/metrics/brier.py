"""brier: the mean squared distance of an answer's confidence from 1 if it is right, from 0 if it is wrong.

Lower is better; it counts calibration and how well right and wrong answers are separated (Brier 1950). It is of the
answer that was given, from 0 to 1: always 0.5 has 0.25. Brier's own sum over all options of a choice is another number.
"""

from __future__ import annotations

from harness.analysis.confidence import ConfidenceMetric, Confidences, no_number
from harness.analysis.metrics.base import CorpusMetric
from harness.stats.intervals import MeanInterval, mean_interval


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    no_number(k, "brier")
    return ConfidenceMetric("brier", _score)


def _score(found: Confidences) -> MeanInterval:
    squares = [(own - value) ** 2 for own, value in zip(found.stated, found.values, strict=True)]
    return mean_interval(squares, found.clusters)
