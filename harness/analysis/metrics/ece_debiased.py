"""ece_debiased: `ece` less what chance adds to it in its bins, so that runs of different n compare. Lower is better.

The correction is the normal approximation of Kumar et al. 2019 (arXiv 1909.10155); it takes off most of the bias, not
all, where there are few answers in a bin. `ece_debiased@10` has 10 bins.
"""

from __future__ import annotations

from harness.analysis.calibration_error import calibration_metric
from harness.analysis.metrics.base import CorpusMetric
from harness.stats.calibration import equal_width


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for fewer than 2 bins."""
    return calibration_metric(k, "ece_debiased", equal_width, debias=True)
