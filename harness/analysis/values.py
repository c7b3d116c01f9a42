"""The one fold of a task's records to a value per sample, and the one join of several such sets by sample id.

Every test of a score or a difference starts here: compare, sweep, languages, claims. Guarantees: each sample counts
once, whatever its repeats; a sample without a value is listed as unscored, never dropped silently; joined sets hold
exactly the samples that all of them scored. Does not check that they were run under the same protocol: see
`analysis.protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from harness.analysis.metric import parse
from harness.analysis.tries import SampleTries, gather, kind_of, scorers_of, too_ragged, with_enough_tries
from harness.datatypes import Record
from harness.errors import DataError
from harness.stats.intervals import clustered_standard_error, standard_error


class NoSampleValues(DataError):
    """A task whose records give no value from 0 to 1 per sample; `of_corpus`: its metric has none by nature."""

    def __init__(self, message: str, *, of_corpus: bool = False) -> None:
        """Keep the line for the user."""
        super().__init__(message)
        self.of_corpus = of_corpus


@dataclass(frozen=True, slots=True)
class SampleValue:
    """One scored sample: its repeats folded to one value, and what its first try answered, for readers."""

    sample_id: str
    value: float
    group: str | None = None
    answer: str = ""

    @property
    def cluster(self) -> Hashable:
        """What the sample varies with: its group, or itself alone."""
        return ("sample", self.sample_id) if self.group is None else ("group", self.group)


@dataclass(frozen=True, slots=True)
class SampleValues:
    """A task's scored samples in the order of their ids, under one scorer and metric; `unscored`: the other ids."""

    task: str
    scorer: str
    metric: str
    samples: tuple[SampleValue, ...]
    unscored: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[float, ...]:
        """The values, in the samples' order."""
        return tuple(sample.value for sample in self.samples)

    @property
    def clusters(self) -> tuple[Hashable, ...] | None:
        """The cluster of each sample; None if no two samples share one."""
        clusters = tuple(sample.cluster for sample in self.samples)
        return clusters if len(set(clusters)) < len(clusters) else None

    @property
    def binary(self) -> bool:
        """Whether each value is 0 or 1 and no two samples share a cluster."""
        return self.clusters is None and self.zero_or_one

    @property
    def zero_or_one(self) -> bool:
        """Whether each value is 0 or 1."""
        return all(sample.value in (0, 1) for sample in self.samples)

    @property
    def mean(self) -> float:
        """The mean value."""
        return math.fsum(self.values) / len(self.samples)

    @property
    def counts(self) -> tuple[int, int]:
        """Right answers and samples; the sum of graded values is rounded to a whole number."""
        return round(math.fsum(self.values)), len(self.samples)

    @property
    def stderr(self) -> float:
        """The (clustered) standard error of the mean; 0 below two samples."""
        if len(self.samples) < 2:
            return 0.0
        plain, clusters = standard_error(self.values), self.clusters
        return plain if clusters is None else max(plain, clustered_standard_error(self.values, clusters))


@dataclass(frozen=True, slots=True)
class JoinedSamples:
    """Samples that each of several sets scored, in the order of their ids; `rows[j][i]` is set j on sample i.

    `clusters`: of each sample. `unscored`: samples of all sets that one of them did not score; `unpaired`: samples that
    are not in all sets.
    """

    rows: tuple[tuple[SampleValue, ...], ...]
    unscored: int
    unpaired: int

    @property
    def n(self) -> int:
        """The number of joined samples."""
        return len(self.rows[0])

    @property
    def values(self) -> list[list[float]]:
        """The value of each set on each sample."""
        return [[sample.value for sample in row] for row in self.rows]

    @property
    def clusters(self) -> list[Hashable]:
        """The cluster of each sample: its group where any set has one, or itself alone."""
        in_sets = zip(*self.rows, strict=True)
        return [next((s.cluster for s in same if s.group is not None), same[0].cluster) for same in in_sets]


def values_of(records: Sequence[Record], task: str, metric: str, scorer: str = "") -> SampleValues:
    """Fold a task's records; the scorer is the first in the records unless given.

    A sample with too few tries for the metric counts as unscored. Raises NoSampleValues where the metric is of the
    whole corpus, a file of completions holds too few tries, or a value is not from 0 to 1; ConfigError or UnknownName
    for a metric that does not exist.
    """
    fold = parse(metric)
    if hasattr(fold, "of_corpus"):
        raise NoSampleValues(f"{task}: metric {fold.name} has no value per sample", of_corpus=True)
    own = [record for record in records if record.request.task == task]
    scorer = scorer or next(iter(scorers_of(own)), "")
    tries = gather(own, scorer)
    if ragged := too_ragged(tries, fold.needs):
        raise NoSampleValues(
            f"{task}: {fold.name} has no value: {ragged} samples of a run have fewer completions than it needs"
        )
    samples = []
    for sample, scores in with_enough_tries(tries, fold.needs):
        value = float(fold.of_sample(scores))
        if not 0 <= value <= 1:
            raise NoSampleValues(
                f"{task}: sample {sample.sample_id!r} scores {value:g}: only scores from 0 to 1 can be compared"
            )
        samples.append(SampleValue(sample.sample_id, value, sample.group, _first_answer(sample)))
    scored = {sample.sample_id for sample in samples}
    unscored = tuple(sample.sample_id for sample in tries if sample.sample_id not in scored)
    return SampleValues(task, scorer, fold.name, tuple(samples), unscored)


def values_if_any(records: Sequence[Record], task: str, metric: str) -> SampleValues | None:
    """As `values_of`; None where the task has no value from 0 to 1 per sample, or no scored sample."""
    try:
        values = values_of(records, task, metric)
    except NoSampleValues:
        return None
    return values if values.samples else None


def join(*sets: SampleValues) -> JoinedSamples:
    """Join two sets or more on the ids of their samples."""
    by_id = [{sample.sample_id: sample for sample in own.samples} for own in sets]
    everywhere = set.intersection(*({*ids, *own.unscored} for ids, own in zip(by_id, sets, strict=True)))
    anywhere = set().union(*({*ids, *own.unscored} for ids, own in zip(by_id, sets, strict=True)))
    scored = sorted(set.intersection(*map(set, by_id)))
    rows = tuple(tuple(ids[sample_id] for sample_id in scored) for ids in by_id)
    return JoinedSamples(rows, len(everywhere) - len(scored), len(anywhere) - len(everywhere))


def _first_answer(tries: SampleTries) -> str:
    """What the first try answered; how it failed, where there is no answer or the failure says more."""
    score = (tries.scores or ())[0]
    failure = f"({kind_of(score.failure)})" if score.failure is not None else ""
    return " ".join(part for part in (score.answer, failure) if part)
