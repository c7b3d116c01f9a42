"""selective@k: accuracy of the k per cent of the answers that are most confident, if the others are declined.

`selective@80` keeps 80 in 100 (Geifman and El-Yaniv 2017, arXiv 1705.08500). Of equally confident answers at the edge
each is kept with the same chance, exactly averaged. `selective@100` is the accuracy of all answers with a confidence.
"""

from __future__ import annotations

from functools import partial

from harness.analysis.confidence import ConfidenceMetric, Confidences
from harness.analysis.metrics.base import CorpusMetric
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval
from harness.stats.selective import selective_accuracy


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError without a coverage in per cent, or for one above 100."""
    if not k:
        raise ConfigError("metric selective needs the per cent of answers to keep: write selective@80")
    if k > 100:
        raise ConfigError(f"metric selective@{k}: the number is the per cent of answers to keep, at most 100")
    return ConfidenceMetric(f"selective@{k}", partial(_score, k / 100))


def _score(coverage: float, found: Confidences) -> MeanInterval:
    return selective_accuracy(found.stated, found.values, found.clusters, coverage)
