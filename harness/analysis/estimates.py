"""From a task's records to its estimates, one per scorer and metric; from tasks' estimates to a suite's.

Guarantees: the order of records does not matter; each sample counts once, whatever its repeats; what is
unscored is in no value and no share, but counted. Does not check that records belong to one run or one
protocol.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from harness.analysis import cautions
from harness.analysis.confidence import is_stated, needs_confidence
from harness.analysis.metric import lower_is_better, parse
from harness.analysis.metrics.base import CorpusMetric, Metric
from harness.analysis.tries import (
    SampleTries,
    completions,
    count_by_failure,
    gather,
    scorers_of,
    share,
    too_ragged,
    with_enough_tries,
)
from harness.config.task_page import DrawnRows
from harness.datatypes import Completion, Record, Refusal, Reply, Score
from harness.results import Estimate
from harness.stats.intervals import RATIO, MeanInterval, mean_interval
from harness.stats.jackknife import JACKKNIFE

__all__ = ["count_by_failure", "estimate_suite", "estimate_task", "primary_estimates"]

MACRO = "macro"
BY_SIZE = "weighted by size"
SHARED = "{}, same samples"


def estimate_task(
    task: str,
    records: Sequence[Record],
    metrics: Sequence[str],
    repeats: int,
    expected: int | None = None,
    scorers: Sequence[str] = (),
    own_metrics: Mapping[str, Sequence[str]] = MappingProxyType({}),
    drawn: DrawnRows | None = None,
    first: int | None = None,
    not_changed: cautions.NotChanged | None = None,
) -> tuple[Estimate, ...]:
    """Return one estimate per scorer and metric, in that order; scorers as in the records unless given.

    Records of other tasks are passed over. `expected` is the number of samples that the whole task has; `drawn`: the
    random part of them that the run is of, `first`: that it is of the first so many; `repeats`: the number of tries
    per sample; `own_metrics`: metrics of a scorer in place of `metrics`; `not_changed`: samples that have no changed
    questions, so that they are not run. The first estimate is the task's primary one.
    Raises UnknownName or ConfigError for a metric that does not exist.

    Per sample, the metric folds the available tries (c of its own n) to one value; a metric that needs more tries than
    a file of completions has of some sample has no value, see `tries.too_ragged`. The estimate is the mean over
    scored samples, its interval that of `intervals.mean_interval`. Shares are over the scored samples' tries.
    `mean_tokens` is over completions that report tokens; `tokens_per_second` is the sum of output tokens over the sum
    of engine seconds that completions report, so the pace of the engine.
    """
    own = [record for record in records if record.request.task == task]
    names = tuple(scorers) or scorers_of(own) or ("",)
    return tuple(
        _estimate(task, parse(metric), gather(own, scorer), scorer, repeats, expected, drawn, first, not_changed)
        for scorer in names
        for metric in own_metrics.get(scorer, metrics)
    )


def primary_estimates(estimates: Sequence[Estimate]) -> tuple[Estimate, ...]:
    """Return each task's first estimate: the one that enters the suite's mean."""
    return tuple({estimate.task: estimate for estimate in reversed(estimates)}.values())[::-1]


def estimate_suite(
    suite: str, estimates: Sequence[Estimate], *, shared: bool = False, by_size: bool = False
) -> Estimate | None:
    """Return the mean of the tasks' primary scores, each counted once; None when no task was estimated.

    `by_size`: each counted as often as it has scored samples, so that with plain means it is the mean over all samples.
    The sizes are taken as given: it is the mean of a stratified sample (Cochran 1977, Sampling Techniques, 5.3), whose
    variance is the sum of the tasks' own, times their squared shares. lm-evaluation-harness gives the same value; it
    pools the tasks' variances with weights n - 1, which differs by the order of 1 / n (`pooled_sample_stderr`), and not
    at all for the mean of tasks.

    The value is None when any task has none. The interval squares and adds the tasks' distances to their own
    bounds, times their weights, below and above apart (Zou and Donner 2008, Stat. Med. 27:1693-1702): with symmetric
    intervals that is the sum of the tasks' variances, with one task it is that task's interval, and with all tasks at 0
    or 1 it is not empty. Tasks are taken as independent and as given, not as a draw from possible tasks. Where they
    have the same samples (`shared`: one page used several times), distances are added, as if fully correlated, so that
    the interval is never too short.
    Shares and tokens are over the tasks' answers together, each task weighing what its scored answers are.
    """
    parts = primary_estimates(estimates)
    if not parts:
        return None
    mean = parts[0].metric if len({part.metric for part in parts}) == 1 else "mean of tasks"
    way = BY_SIZE if by_size else MACRO
    blank = Estimate(
        task=suite,
        scorer="",
        metric=f"{mean}, {BY_SIZE}" if by_size else mean,
        value=None,
        low=None,
        high=None,
        method=SHARED.format(way) if shared else way,
        n=sum(part.n for part in parts),
        unscored=sum(part.unscored for part in parts),
        repeats=max(part.repeats for part in parts),
        truncated=_pooled(parts, lambda part: part.truncated),
        unextracted=_pooled(parts, lambda part: part.unextracted),
        cut_prompts=_pooled(parts, lambda part: part.cut_prompts),
        mean_tokens=_pooled(parts, lambda part: part.mean_tokens),
        tokens_per_second=_pooled_speed(parts),
        absent=sum(part.absent for part in parts),
        unread=_pooled(parts, lambda part: part.unread),
        filtered=_pooled(parts, lambda part: part.filtered),
        window=_pooled(parts, lambda part: part.window),
    )
    of_texts = {part.metric for part in parts if part.method == JACKKNIFE}
    if len({part.metric for part in parts}) == 1:
        # Scores from 0 to 100 have a mean among themselves
        of_texts = set()
    mixed = len({part.metric for part in parts}) > 1
    errors = {part.metric for part in parts if mixed and lower_is_better(part)}
    odd = [part.task for part in parts if part.method == RATIO or part.metric in of_texts | errors]
    if odd:
        warning = f"no mean over tasks: {', '.join(odd)} {'is' if len(odd) == 1 else 'are'} no share of right answers"
        return replace(blank, metric=way, warnings=(warning,))
    missing = [part.task for part in parts if part.value is None]
    if missing:
        return replace(
            blank,
            warnings=(f"no score over all tasks: {', '.join(missing)} {'has' if len(missing) == 1 else 'have'} none",),
        )
    weights = [part.n if by_size else 1 for part in parts]
    whole = sum(weights)
    value = math.fsum(weight * (part.value or 0.0) for weight, part in zip(weights, parts, strict=True)) / whole

    def total(distances: Sequence[float | None]) -> float | None:
        weighed = [None if each is None else each * weight for each, weight in zip(distances, weights, strict=True)]
        return _sum(weighed) if shared else _root_sum(weighed)

    below = total([_gap(part.value, part.low) for part in parts])
    above = total([_gap(part.high, part.value) for part in parts])
    stderr = total([part.stderr for part in parts])
    return replace(
        blank,
        value=value,
        low=None if below is None else value - below / whole,
        high=None if above is None else value + above / whole,
        stderr=None if stderr is None else stderr / whole,
    )


def _estimate(
    task: str,
    fold: Metric | CorpusMetric,
    tries: Sequence[SampleTries],
    scorer: str,
    repeats: int,
    expected: int | None,
    drawn: DrawnRows | None,
    first: int | None,
    not_changed: cautions.NotChanged | None,
) -> Estimate:
    """One scorer under one metric; `expected`: the samples of the whole task; `drawn`, `first`: the part to be run."""
    scored = [(sample, sample.scores) for sample in tries if sample.scores is not None]
    ragged = too_ragged(tries, fold.needs)
    full = with_enough_tries(tries, fold.needs)
    no_confidence = None
    if needs_confidence(fold):
        no_confidence = share([not is_stated(score) for _, scores in full for score in scores])
        full = [(sample, scores) for sample, scores in full if any(map(is_stated, scores))]
    unscored = [sample for sample in tries if sample.scores is None]
    kept = [sample for sample, _ in full]
    interval = _interval(fold, [scores for _, scores in full], _clusters(kept)) if full else None
    outputs = completions(kept)
    estimate = Estimate(
        task=task,
        scorer=scorer,
        metric=fold.name,
        value=interval.value if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        stderr=interval.stderr if interval else None,
        method=interval.method if interval else "none",
        n=len(full),
        unscored=len(unscored),
        repeats=repeats,
        truncated=share([_is_truncated(output) for output in outputs]),
        unextracted=share([_no_answer(score) for _, scores in full for score in scores]) if outputs else None,
        cut_prompts=share(_cut(kept)),
        mean_tokens=_mean_tokens(kept),
        tokens_per_second=_speed(kept),
        absent=sum(sample.absent for sample in kept),
        completed=_completed(fold, full),
        unread=_unread(full) if outputs else None,
        filtered=share([output.finish == "filtered" for output in outputs]),
        window=share([output.finish == "window" for output in outputs]),
        no_confidence=no_confidence,
    )
    digitless = share([bool(score.detail.get("no_digit")) for _, scores in full for score in scores]) or 0.0
    incomplete = 0 if ragged else len(scored) - sum(len(scores) >= fold.needs for _, scores in scored)
    fewest = min((len(scores) for sample, scores in scored if sample.absent), default=None)
    counts = cautions.SampleCounts(
        len(tries),
        incomplete,
        expected,
        ragged,
        fewest,
        digitless,
        *_empty(full),
        drawn,
        _closed(full),
        first,
        not_changed,
    )
    programs = cautions.of_programs([score for _, scores in full for score in scores])
    return replace(estimate, warnings=cautions.of(estimate, counts, [f for s in unscored for f in s.faults]) + programs)


def _interval(
    fold: Metric | CorpusMetric, scores: Sequence[Sequence[Score]], clusters: Sequence[tuple[str, str]]
) -> MeanInterval | None:
    if hasattr(fold, "of_corpus"):
        return fold.of_corpus(scores, clusters)
    return mean_interval([fold.of_sample(own) for own in scores], clusters)


def _clusters(tries: Sequence[SampleTries]) -> list[tuple[str, str]]:
    """What each sample varies with: its group, or itself alone."""
    return [("sample", sample.sample_id) if sample.group is None else ("group", sample.group) for sample in tries]


def _no_answer(score: Score) -> bool:
    return score.failure is not None and score.failure.stage == "extract"


def _completed(fold: Metric | CorpusMetric, full: Sequence[tuple[SampleTries, Sequence[Score]]]) -> float | None:
    """The score over the tries that ended by themselves; None where all did, or no sample has enough that did."""
    if hasattr(fold, "of_corpus"):
        return None
    ended = [
        [score for score, record in zip(scores, sample.records, strict=True) if not _is_truncated(record.reply)]
        for sample, scores in full
    ]
    if all(len(own) == len(scores) for own, (_, scores) in zip(ended, full, strict=True)):
        return None
    values = [fold.of_sample(own) for own in ended if len(own) >= fold.needs]
    return math.fsum(values) / len(values) if values else None


def _is_truncated(reply: Reply) -> bool:
    return isinstance(reply, Completion) and reply.finish in ("length", "window")


def _empty(full: Sequence[tuple[SampleTries, Sequence[Score]]]) -> tuple[int, int, int]:
    """Count the completions, those that ended by themselves without a text, and the truncated ones of reasoning alone.

    A slim record has no text: the scorer noted which are empty.
    """
    answers = [
        (score.detail.get("empty"), record.reply)
        for sample, scores in full
        for score, record in zip(scores, sample.records, strict=True)
        if isinstance(record.reply, Completion)
    ]
    empty = sum(kind == "text" and reply.finish in ("stop", "eos") for kind, reply in answers)
    return len(answers), empty, sum(kind == "reasoning" and _is_truncated(reply) for kind, reply in answers)


def _closed(full: Sequence[tuple[SampleTries, Sequence[Score]]]) -> int:
    replies = [record.reply for sample, _ in full for record in sample.records]
    return sum(isinstance(reply, Completion) and reply.closed_reasoning for reply in replies)


def _unread(full: Sequence[tuple[SampleTries, Sequence[Score]]]) -> float | None:
    return share([bool(score.detail.get("gold_present")) for _, scores in full for score in scores])


def _answers(part: Estimate) -> int:
    return part.n * part.repeats - part.absent


def _cut(tries: Sequence[SampleTries]) -> list[bool]:
    replies = (record.reply for sample in tries for record in sample.records)
    return [reply.dropped_tokens > 0 for reply in replies if not isinstance(reply, Refusal)]


def _mean_tokens(tries: Sequence[SampleTries]) -> float | None:
    counts = [c.output_tokens for c in completions(tries) if c.output_tokens is not None]
    return sum(counts) / len(counts) if counts else None


def _speed(tries: Sequence[SampleTries]) -> float | None:
    timed = [(c.output_tokens, c.seconds) for c in completions(tries) if c.output_tokens is not None and c.seconds]
    seconds = math.fsum(second for _, second in timed if second)
    return sum(tokens for tokens, _ in timed) / seconds if seconds > 0 else None


def _pooled(parts: Sequence[Estimate], read: Callable[[Estimate], float | None]) -> float | None:
    """Mean over all answers of the tasks that report the figure."""
    figures = [(read(part), _answers(part)) for part in parts]
    weighed = [(figure, answers) for figure, answers in figures if figure is not None and answers]
    total = sum(answers for _, answers in weighed)
    return math.fsum(figure * answers for figure, answers in weighed) / total if total else None


def _pooled_speed(parts: Sequence[Estimate]) -> float | None:
    """All tokens over all seconds; a task's seconds follow from its tokens and its speed."""
    tokens = seconds = 0.0
    for part in parts:
        if part.mean_tokens and part.tokens_per_second:
            tokens += part.mean_tokens * _answers(part)
            seconds += part.mean_tokens * _answers(part) / part.tokens_per_second
    return tokens / seconds if seconds else None


def _gap(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or lower is None else upper - lower


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None


def _root_sum(parts: Sequence[float | None]) -> float | None:
    """Root of the sum of squares, None if any is unknown."""
    known = [part for part in parts if part is not None]
    return math.sqrt(math.fsum(part**2 for part in known)) if len(known) == len(parts) else None
