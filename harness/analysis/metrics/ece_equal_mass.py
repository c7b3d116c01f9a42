"""ece_equal_mass: `ece` with 15 bins of about equally many answers. Lower is better.

No bin is nearly empty, which it is with equal widths where a model is always sure (Roelofs et al. 2022, arXiv
2012.08668). `ece_equal_mass@10` has 10 bins; equal confidences share a bin.
"""

from __future__ import annotations

from harness.analysis.calibration_error import calibration_metric
from harness.analysis.metrics.base import CorpusMetric
from harness.stats.calibration import equal_mass


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for fewer than 2 bins."""
    return calibration_metric(k, "ece_equal_mass", equal_mass)
