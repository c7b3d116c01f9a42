"""aurc: area under the risk-coverage curve, the error rate averaged over all coverages. Lower is better.

At coverage c the c most confident answers are kept; a model that is less sure where it is wrong has a low area (Geifman
et al. 2019, arXiv 1805.08206). Confidence at random gives the error rate of all answers.
"""

from __future__ import annotations

from harness.analysis.confidence import ConfidenceMetric, Confidences, no_number
from harness.analysis.metrics.base import CorpusMetric
from harness.stats.intervals import MeanInterval
from harness.stats.selective import risk_coverage_area


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    no_number(k, "aurc")
    return ConfidenceMetric("aurc", _score)


def _score(found: Confidences) -> MeanInterval:
    return risk_coverage_area(found.stated, found.values, found.clusters)
