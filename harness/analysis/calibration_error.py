"""The calibration errors of a task's answers: which bins, and whether what chance adds is taken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from harness.analysis.confidence import ConfidenceMetric, Confidences
from harness.errors import ConfigError
from harness.stats.calibration import BINS, calibration_error
from harness.stats.intervals import MeanInterval

Bins = Callable[[Sequence[float], int], list[int]]


def calibration_metric(k: int | None, name: str, bins: Bins, *, debias: bool = False) -> ConfidenceMetric:
    """Make a metric with k bins (None: 15). Raises ConfigError for fewer than 2."""
    if k is not None and k < 2:
        raise ConfigError(f"metric {name}@{k} needs 2 bins or more; without a number it has {BINS}")
    count = k or BINS
    return ConfidenceMetric(name if k is None else f"{name}@{k}", partial(_error, bins, count, debias))


def _error(bins: Bins, count: int, debias: bool, found: Confidences) -> MeanInterval:
    places = bins(found.stated, count)
    return calibration_error(found.stated, found.values, places, found.clusters, debias=debias)
