"""Two runs of one task, compared sample by sample.

Guarantees that only samples which both runs scored enter, and that the others are counted. Does not check that both
runs used the same protocol: see `analysis.protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.values import JoinedSamples, SampleValue, SampleValues, join, values_of
from harness.datatypes import Record
from harness.errors import DataError
from harness.results import Comparison
from harness.stats.multiple import holm
from harness.stats.paired import MCNEMAR, PairedDifference, paired_difference, paired_p_value
from harness.stats.power import detectable_effect, difference_size
from harness.stats.relations import Gap, paired_test
from harness.stats.two_model_power import Discordance, detectable_difference, mcnemar_size

# With fewer, all one way, McNemar's exact p is above .05
LEAST_DISCORDANT = 6
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class PairedTask:
    """A task's samples that both runs scored, under its primary scorer and metric."""

    task: str
    scorer: str
    metric: str
    samples: JoinedSamples

    @property
    def pairs(self) -> tuple[tuple[SampleValue, SampleValue], ...]:
        """Each sample in run a and in run b, in the order of the ids."""
        return tuple(zip(*self.samples.rows, strict=True))

    @property
    def discordant(self) -> tuple[tuple[SampleValue, SampleValue], ...]:
        """The pairs whose values differ."""
        return tuple((a, b) for a, b in self.pairs if a.value != b.value)


def pair_task(task: str, metric: str, a: Sequence[Record], b: Sequence[Record]) -> PairedTask:
    """Pair two runs' records of `task`, repeats folded by `metric`; the scorer is the first in run a's records.

    Raises as `values.values_of` does.
    """
    first = values_of(a, task, metric)
    return pair_values(first, values_of(b, task, metric, first.scorer))


def pair_values(a: SampleValues, b: SampleValues) -> PairedTask:
    """Pair two runs' values of one task; both must be of the same scorer and metric."""
    return PairedTask(a.task, a.scorer, a.metric, join(a, b))


def compare(
    paired: PairedTask,
    a: str,
    b: str,
    *,
    detectable: bool = True,
    needed: bool = True,
    enough: int | None = None,
) -> Comparison:
    """Compare the two runs, labelled a and b, on a task's pairs; `p_family` is still p, of this comparison alone.

    `detectable`, `needed`: with these numbers, which take longer than all else. `enough`: see `paired.sign_flip`.
    Raises DataError where no sample was scored in both.
    """
    samples = paired.samples
    if not samples.n:
        raise DataError(f"{paired.task}: no sample is scored in both {a} and {b}; {samples.unscored} are unscored")
    values_a, values_b = samples.values
    clusters = samples.clusters
    seen = paired_difference(values_b, values_a, clusters)
    p, test = paired_p_value(values_b, values_a, clusters, enough=enough)
    return Comparison(
        task=paired.task,
        scorer=paired.scorer,
        metric=paired.metric,
        a=a,
        b=b,
        value_a=math.fsum(values_a) / seen.n,
        value_b=math.fsum(values_b) / seen.n,
        difference=seen.difference,
        low=seen.low,
        high=seen.high,
        method=seen.method,
        p=p,
        p_family=p,
        test=test,
        n=seen.n,
        wins=seen.wins,
        losses=seen.losses,
        detectable=_detectable(seen, test) if detectable else None,
        needed=_needed(seen, test) if needed else None,
        unscored=samples.unscored,
        unpaired=samples.unpaired,
    )


def p_within(paired: PairedTask, margin: float) -> float:
    """Return the p-value of "the difference is not between -margin and margin": the larger of two one-sided tests.

    At 5 % the statement is shown exactly when the 90 % interval lies between the margins (Schuirmann 1987, J.
    Pharmacokinet. Biopharm. 15:657-680). Raises ValueError for no pairs.
    """
    values_a, values_b = paired.samples.values
    return paired_test(values_b, values_a, paired.samples.clusters, Gap(margin=margin, within=True)).test.p_for


def as_family(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons with `p_family` by Holm over all of them."""
    adjusted = holm([comparison.p for comparison in comparisons])
    return tuple(replace(c, p_family=p) for c, p in zip(comparisons, adjusted, strict=True))


def is_worse(comparison: Comparison, alpha: float = ALPHA) -> bool:
    """Whether b is significantly worse than a, by `p_family`."""
    return comparison.difference < 0 and comparison.p_family <= alpha


def is_better(comparison: Comparison, alpha: float = ALPHA) -> bool:
    """Whether b is significantly better than a, by `p_family`."""
    return comparison.difference > 0 and comparison.p_family <= alpha


def _detectable(seen: PairedDifference, test: str) -> float | None:
    """The smallest difference that this n can detect; see `Comparison`.

    Exact where McNemar's test decides, with the observed wins and losses as the truth; else by the normal formula.
    """
    if seen.units < LEAST_DISCORDANT:
        return None
    if test == MCNEMAR:
        return detectable_difference(seen.n, (seen.wins + seen.losses) / seen.n)
    detectable = detectable_effect(seen.n, seen.spread * math.sqrt(seen.n))
    return detectable if detectable <= 1 else None


def _needed(seen: PairedDifference, test: str) -> int | None:
    """The n for the difference observed, as exact as `_detectable`."""
    if abs(seen.difference) <= 1e-12:
        return None
    if test == MCNEMAR:
        return mcnemar_size(Discordance(seen.wins / seen.n, seen.losses / seen.n))
    return math.ceil(difference_size(seen.difference, seen.spread * math.sqrt(seen.n)))
