"""Two runs of one task, joined sample by sample.

Guarantees that only samples which both runs scored enter, each once whatever its repeats, and that what is left out
is counted. Does not check that the two were asked the same: that is `analysis.protocol`'s.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from harness.analysis.metric import parse
from harness.analysis.tries import SampleTries, gather, kind_of, scorers_of, too_ragged
from harness.datatypes import Comparison, Record
from harness.errors import DataError
from harness.stats.multiple import holm
from harness.stats.paired import MCNEMAR, PairedDifference, paired_difference, paired_p_value
from harness.stats.power import detectable_effect, difference_size
from harness.stats.two_model_power import Discordance, detectable_difference, mcnemar_size

# With fewer, all one way, McNemar's exact p is above .05
LEAST_DISCORDANT = 6
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """One sample that both runs scored: its folded values and, for readers, what each run's first try answered."""

    sample_id: str
    group: str | None
    value_a: float
    value_b: float
    answer_a: str
    answer_b: str


@dataclass(frozen=True, slots=True)
class Join:
    """A task's pairs by sample id, under its primary scorer and metric, and how many samples were left out."""

    task: str
    scorer: str
    metric: str
    pairs: tuple[Pair, ...]
    unscored: int
    unpaired: int

    @property
    def discordant(self) -> tuple[Pair, ...]:
        """The pairs whose values differ."""
        return tuple(pair for pair in self.pairs if pair.value_a != pair.value_b)


def join(task: str, metric: str, a: Sequence[Record], b: Sequence[Record]) -> Join | None:
    """Pair two runs' records of `task`, repeats folded by `metric`; None for a metric that has no value per sample.

    The scorer is the first in run a's records. A sample with too few tries for the metric counts as unscored. Raises
    DataError where a value is no share from 0 to 1, or a file of completions held too few tries, ConfigError or
    UnknownName for a metric that does not exist.
    """
    fold = parse(metric)
    if hasattr(fold, "of_corpus"):
        return None
    own_a, own_b = ([record for record in records if record.request.task == task] for records in (a, b))
    scorer = next(iter(scorers_of(own_a)), "")
    tries_a, tries_b = ({t.sample_id: t for t in gather(own, scorer)} for own in (own_a, own_b))
    ragged = max(too_ragged(tries.values(), fold.needs) for tries in (tries_a, tries_b))
    if ragged:
        raise DataError(
            f"{task}: {fold.name} has no value: {ragged} samples of a run have fewer completions than it needs"
        )
    pairs: list[Pair] = []
    unscored = 0
    for sample_id in sorted(tries_a.keys() & tries_b.keys()):
        one, other = tries_a[sample_id], tries_b[sample_id]
        if not all(t.scores is not None and len(t.scores) >= fold.needs for t in (one, other)):
            unscored += 1
            continue
        values = [fold.of_sample(t.scores or ()) for t in (one, other)]
        if not all(0 <= value <= 1 for value in values):
            raise DataError(f"{task}: sample {sample_id!r} scores {values}: only scores from 0 to 1 can be compared")
        pairs.append(Pair(sample_id, one.group, values[0], values[1], _answer(one), _answer(other)))
    unpaired = len(tries_a.keys() ^ tries_b.keys())
    return Join(task, scorer, fold.name, tuple(pairs), unscored, unpaired)


def compare(joined: Join, a: str, b: str) -> Comparison:
    """Compare the two runs, called a and b, on a task's pairs; `p_family` still stands for this one alone.

    Raises DataError where no sample was scored in both.
    """
    if not joined.pairs:
        raise DataError(f"{joined.task}: no sample is scored in both {a} and {b}; {joined.unscored} are unscored")
    values_a = [pair.value_a for pair in joined.pairs]
    values_b = [pair.value_b for pair in joined.pairs]
    clusters = _clusters(joined.pairs)
    seen = paired_difference(values_b, values_a, clusters)
    p, test = paired_p_value(values_b, values_a, clusters)
    detectable, needed = _planning(seen, test)
    return Comparison(
        task=joined.task,
        scorer=joined.scorer,
        metric=joined.metric,
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
        detectable=detectable,
        needed=needed,
        unscored=joined.unscored,
        unpaired=joined.unpaired,
    )


def as_family(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return the comparisons with `p_family` by Holm over all of them."""
    adjusted = holm([comparison.p for comparison in comparisons])
    return tuple(replace(c, p_family=p) for c, p in zip(comparisons, adjusted, strict=True))


def is_worse(comparison: Comparison, alpha: float = ALPHA) -> bool:
    """Tell whether b is shown to be worse than a, by `p_family`."""
    return comparison.difference < 0 and comparison.p_family <= alpha


def is_better(comparison: Comparison, alpha: float = ALPHA) -> bool:
    """Tell whether b is shown to be better than a, by `p_family`."""
    return comparison.difference > 0 and comparison.p_family <= alpha


def _planning(seen: PairedDifference, test: str) -> tuple[float | None, int | None]:
    """The smallest difference that this n could see, and the n for the difference seen; see `Comparison`.

    Exact where McNemar's test decides, the wins and losses seen taken as the truth; else by the normal formula.
    """
    if seen.units < LEAST_DISCORDANT:
        detectable = None
    elif test == MCNEMAR:
        detectable = detectable_difference(seen.n, (seen.wins + seen.losses) / seen.n)
    else:
        detectable = detectable_effect(seen.n, seen.spread * math.sqrt(seen.n))
        detectable = detectable if detectable <= 1 else None
    if abs(seen.difference) <= 1e-12:
        return detectable, None
    if test == MCNEMAR:
        return detectable, mcnemar_size(Discordance(seen.wins / seen.n, seen.losses / seen.n))
    return detectable, math.ceil(difference_size(seen.difference, seen.spread * math.sqrt(seen.n)))


def _clusters(pairs: Sequence[Pair]) -> list[Hashable]:
    return [("sample", pair.sample_id) if pair.group is None else ("group", pair.group) for pair in pairs]


def _answer(tries: SampleTries) -> str:
    """What the first try answered; how it failed, where there is no answer or the failure says more."""
    score = (tries.scores or ())[0]
    failure = f"({kind_of(score.failure)})" if score.failure is not None else ""
    return " ".join(part for part in (score.answer, failure) if part)
