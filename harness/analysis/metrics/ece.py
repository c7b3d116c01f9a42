"""ece: expected calibration error, how far confidences are from the share of right answers. Lower is better.

The mean distance over 15 equal parts of the confidences from 0 to 1 (Guo et al. 2017, arXiv 1706.04599); `ece@10` has
10. It is above 0 by chance alone, the more so the fewer the answers: compare runs of equal n, look at the interval,
which reaches 0 where chance explains it, or use `ece_debiased`.
"""

from __future__ import annotations

from harness.analysis.calibration_error import calibration_metric
from harness.analysis.metrics.base import CorpusMetric
from harness.stats.calibration import equal_width


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for fewer than 2 bins."""
    return calibration_metric(k, "ece", equal_width)
