"""A run's records of one task, as the values that a test takes: one a sample, repeats folded by the task's metric."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.analysis.metric import parse
from harness.analysis.tries import gather, scorers_of, too_ragged
from harness.datatypes import Record
from harness.stats.intervals import clustered_standard_error, standard_error
from harness.stats.thresholds import Bar, Scored, count_test, mean_test


@dataclass(frozen=True, slots=True)
class Values:
    """Values by sample id, in the ids' order, and the samples that are unscored. `clusters`: None if all differ."""

    ids: tuple[str, ...]
    values: tuple[float, ...]
    clusters: tuple[Hashable, ...] | None
    unscored: tuple[str, ...]

    @property
    def binary(self) -> bool:
        """Whether each is 0 or 1 and no two samples share a cluster."""
        return self.clusters is None and all(value in (0, 1) for value in self.values)

    @property
    def mean(self) -> float:
        """The mean value."""
        return math.fsum(self.values) / len(self.values)

    @property
    def counts(self) -> tuple[int, int]:
        """Whole right answers and samples; of graded values the nearest whole number."""
        return round(math.fsum(self.values)), len(self.values)

    @property
    def stderr(self) -> float:
        """The (clustered) standard error of the mean; 0 below two samples."""
        if len(self.values) < 2:
            return 0.0
        plain = standard_error(self.values)
        return plain if self.clusters is None else max(plain, clustered_standard_error(self.values, self.clusters))


def values_of(records: Sequence[Record], task: str, metric: str) -> Values | None:
    """Fold a task's records; None where the metric has no value a sample from 0 to 1, or no value for the task.

    Raises ConfigError or UnknownName for a metric that does not exist.
    """
    fold = parse(metric)
    if hasattr(fold, "of_corpus"):
        return None
    own = [record for record in records if record.request.task == task]
    tries = gather(own, next(iter(scorers_of(own)), ""))
    if too_ragged(tries, fold.needs):
        return None
    kept = [one for one in tries if one.scores is not None and len(one.scores) >= fold.needs]
    values = tuple(float(fold.of_sample(one.scores or ())) for one in kept)
    if not all(0 <= value <= 1 for value in values):
        return None
    unscored = tuple(one.sample_id for one in tries if one not in kept)
    groups = tuple(("sample", one.sample_id) if one.group is None else ("group", one.group) for one in kept)
    clusters = groups if len(set(groups)) < len(groups) else None
    return Values(tuple(one.sample_id for one in kept), values, clusters, unscored)


def score_test(values: Values, bar: Bar, alpha: float) -> Scored:
    """Hold a task's values against the bar, by the exact test where each is 0 or 1. Raises ValueError for none."""
    if values.binary or (bar.size == len(values.values) and all(value in (0, 1) for value in values.values)):
        return count_test(*values.counts, bar, alpha)
    return mean_test(values.values, values.clusters, bar)
