"""What a run's answers cost, and what a solved problem costs. Pure.

Money is US dollars, prices are for a million tokens. Guarantees: an answer whose tokens were not counted makes its cost
unknown, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness.cost.prices import Price, token_cost
from harness.datatypes import Attempt, Completion, Likelihood, Record, Refusal, RollingRequest
from harness.stats.intervals import clustered_standard_error, mean_interval, standard_error, t_quantile

MILLION = 1_000_000
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of attempts: uncached input, cached input, output; `reasoning` are part of the output."""

    fresh: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        """Both together."""
        return Tokens(
            self.fresh + other.fresh,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """Tokens of one answer: uncached input (`fresh`), cached input, output; the engine's seconds; whether it solved.

    Tokens are None where they were not counted; `solved` is None where it was not scored, or has no right answer.
    Samples of one `group` are not independent.
    """

    sample_id: str
    fresh: int | None
    cached: int
    output: int | None
    seconds: float | None
    solved: bool | None
    group: str | None = None

    @property
    def cluster(self) -> tuple[str, str]:
        """What this answer varies with: its group, else the other answers to its sample."""
        return ("sample", self.sample_id) if self.group is None else ("group", self.group)


@dataclass(frozen=True, slots=True)
class Usage:
    """A task's answers. Means are over all of them, None where one was not counted; `refused` were never answered.

    `overhead`: tokens that were paid for and belong to no answer (the start probe, refused and lost requests).
    """

    task: str
    answers: tuple[Answered, ...]
    refused: int = 0
    overhead: Tokens = Tokens()

    @property
    def counted(self) -> bool:
        """Whether the tokens of every answer are known."""
        return bool(self.answers) and not any(one.fresh is None or one.output is None for one in self.answers)

    @property
    def solved(self) -> int | None:
        """Answers that solved their problem; None where no answer can be right (a perplexity)."""
        known = [one.solved for one in self.answers if one.solved is not None]
        return sum(known) if known else None

    @property
    def seconds(self) -> float | None:
        """The engine's time for all answers."""
        known = [one.seconds for one in self.answers if one.seconds is not None]
        return math.fsum(known) if known and len(known) == len(self.answers) else None

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens over the engine's time; None where nothing was generated or timed."""
        if not self.counted or not self.seconds:
            return None
        return sum(one.output or 0 for one in self.answers) / self.seconds or None

    def mean(self, kind: Literal["fresh", "cached", "output"]) -> float | None:
        """Mean tokens of a kind per answer; `fresh`: input that was not cached."""
        if not self.counted:
            return None
        return float(sum(getattr(one, kind) for one in self.answers)) / len(self.answers)


@dataclass(frozen=True, slots=True)
class Cost:
    """Dollars for all answers, and for each solved one with its 95 % interval; None where it is not known.

    `high` is infinite where none may be solved at all; `per_solved` is None where none was.
    """

    total: float | None
    per_solved: float | None = None
    low: float | None = None
    high: float | None = None


def usages(records: Iterable[Record], attempts: Iterable[Attempt] = ()) -> list[Usage]:
    """Gather a run's records by task, in the order in which tasks first come.

    An answer has solved its problem when its first scorer gives it the full score (1). Texts scored by likelihood alone
    (perplexity) have no right answer. Likelihood requests count as input tokens. With `attempts` an answer has the
    tokens of all attempts at it; those of no answer are `overhead`: of their task, or else of a run's only task
    (`unassigned` has them where there are several).
    """
    spent = _by_request(attempts)
    measured = bool(spent)
    by_task: dict[str, list[Answered]] = {}
    refused: dict[str, int] = {}
    overhead: dict[str, Tokens] = {}
    for record in records:
        task = record.request.task
        answers = by_task.setdefault(task, [])
        own = spent.pop(record.request.key, None)
        if isinstance(record.reply, Refusal):
            refused[task] = refused.get(task, 0) + 1
            overhead[task] = overhead.get(task, Tokens()) + (own or Tokens())
            continue
        answer = _answered(record, record.reply)
        if own is None and measured and record.reply.seconds == 0.0:
            # A copy of the reply to an equal request
            own = Tokens()
        if own is not None:
            answer = replace(answer, fresh=own.fresh, cached=own.cached, output=own.output)
        answers.append(answer)
    if len(by_task) == 1:
        task = next(iter(by_task))
        overhead[task] = sum(spent.values(), overhead.get(task, Tokens()))
    return [
        Usage(task, tuple(answers), refused.get(task, 0), overhead.get(task, Tokens()))
        for task, answers in by_task.items()
    ]


def unassigned(records: Iterable[Record], attempts: Iterable[Attempt]) -> Tokens:
    """Tokens of attempts that belong to no record: the start probe, and answers that were lost."""
    keys = {record.request.key for record in records}
    return sum((own for key, own in _by_request(attempts).items() if key not in keys), Tokens())


def _by_request(attempts: Iterable[Attempt]) -> dict[str, Tokens]:
    """Tokens by the key of the request; a request of several calls has them under KEY#NUMBER."""
    found: dict[str, Tokens] = {}
    for attempt in attempts:
        key = attempt.key.partition("#")[0]
        cached = min(attempt.cached_tokens, attempt.prompt_tokens)
        output = max(attempt.output_tokens, attempt.reasoning_tokens)
        own = Tokens(attempt.prompt_tokens - cached, cached, output, attempt.reasoning_tokens)
        found[key] = found.get(key, Tokens()) + own
    return found


def together(name: str, parts: Sequence[Usage], beside: Tokens = Tokens()) -> Usage:
    """All tasks' answers as one; samples of two tasks stay two. `beside`: what belongs to no task."""
    answers = tuple(
        replace(one, sample_id=f"{part.task}/{one.sample_id}", group=one.group and f"{part.task}/{one.group}")
        for part in parts
        for one in part.answers
    )
    overhead = sum((part.overhead for part in parts), beside)
    return Usage(name, answers, sum(part.refused for part in parts), overhead)


def task_cost(usage: Usage, price: Price) -> Cost:
    """Price the tokens: input * fresh + cached * cached + output * output, each for a million; with the overhead."""
    if not usage.counted:
        return Cost(None)
    extra = usage.overhead
    # Spread over the answers, so that a solved problem bears its share
    share = token_cost(price, extra.fresh, extra.cached, extra.output) / len(usage.answers)
    each = [token_cost(price, one.fresh or 0, one.cached, one.output or 0) + share for one in usage.answers]
    return _cost(usage, each)


def hourly_cost(usage: Usage, dollars_per_hour: float) -> Cost:
    """Price the engine's time, for a machine with this hourly price while it answers."""
    if usage.seconds is None:
        return Cost(None)
    return _cost(usage, [(one.seconds or 0.0) / SECONDS_AN_HOUR * dollars_per_hour for one in usage.answers])


def dollars_per_million(dollars_per_hour: float, tokens_per_second: float) -> float:
    """Dollars for a million output tokens at a measured throughput. Raises ValueError unless it is above 0."""
    if tokens_per_second <= 0:
        raise ValueError(f"throughput must be above 0, not {tokens_per_second}")
    return dollars_per_hour / (tokens_per_second * SECONDS_AN_HOUR) * MILLION


def per_solved_interval(
    costs: Sequence[float], solved: Sequence[float], clusters: Sequence[Hashable]
) -> tuple[float, float]:
    """Return the 95 % interval of mean cost over the share solved; its end is infinite where the share may be 0.

    Limits of the two means, combined with their correlation: MOVER-R, Donner and Zou 2012, Stat. Methods Med. Res.
    21:347-359. The share's limits are those of its score (`mean_interval`), the cost's are Student's t; equal costs
    make this the inverse of the score's own interval. Raises ValueError below two clusters.
    """
    cost, share = math.fsum(costs) / len(costs), math.fsum(solved) / len(solved)
    units = list(dict.fromkeys(clusters))
    if len(units) < 2:
        raise ValueError("one sample gives no interval")
    own = mean_interval(solved, clusters)
    least, most = own.low or 0.0, 1.0 if own.high is None else own.high
    half = t_quantile(len(units) - 1) * max(standard_error(costs), clustered_standard_error(costs, clusters))
    cheap, dear = max(0.0, cost - half), cost + half
    sums = {unit: [0.0, 0.0] for unit in units}
    for unit, paid, right in zip(clusters, costs, solved, strict=True):
        sums[unit][0] += paid - cost
        sums[unit][1] += right - share
    correlation = _correlation(list(sums.values()))
    # As in the source, but for the lower bound multiplied out, so that nothing is divided by 0
    middle = cost * share - correlation * (cost - cheap) * (most - share)
    under = middle**2 - cheap * most * (2 * cost - cheap) * (2 * share - most)
    whole = middle + math.sqrt(max(0.0, under))
    low = cheap * (2 * cost - cheap) / whole if whole > 0 else 0.0
    if least <= 0:
        return low, math.inf
    middle = cost * share - correlation * (dear - cost) * (share - least)
    under = middle**2 - dear * least * (2 * cost - dear) * (2 * share - least)
    return low, (middle + math.sqrt(max(0.0, under))) / (least * (2 * share - least))


def _correlation(pairs: Sequence[Sequence[float]]) -> float:
    """Of deviations from the mean; 0 where one of the two does not vary."""
    squares = [math.fsum(pair[side] ** 2 for pair in pairs) for side in (0, 1)]
    if min(squares) <= 0:
        return 0.0
    return max(-1.0, min(1.0, math.fsum(one * other for one, other in pairs) / math.sqrt(squares[0] * squares[1])))


def _cost(usage: Usage, each: Sequence[float]) -> Cost:
    """Total, and total over solved with its interval; groups of samples, and repeats of one, are the clusters."""
    total = math.fsum(each)
    if usage.solved is None:
        return Cost(total)
    solved = [float(one.solved or 0) for one in usage.answers]
    clusters = [one.cluster for one in usage.answers]
    if len(set(clusters)) < 2:
        return Cost(total, total / usage.solved if usage.solved else None)
    low, high = per_solved_interval(each, solved, clusters)
    return Cost(total, total / usage.solved if usage.solved else None, low, high)


def _answered(record: Record, reply: Completion | Likelihood) -> Answered:
    read, output = reply.prompt_tokens, reply.output_tokens if isinstance(reply, Completion) else 0
    score = record.scores[0].value if record.scores else None
    unsolvable = score is None or isinstance(record.request, RollingRequest)
    return Answered(
        sample_id=record.request.sample_id,
        # An engine may report more cached than requested tokens: continuations of one context share its tokens
        fresh=None if read is None else max(0, read - reply.cached_tokens),
        cached=reply.cached_tokens if read is None else min(reply.cached_tokens, read),
        output=output,
        seconds=reply.seconds,
        solved=None if unsolvable or score is None else score >= 1,
        group=record.group,
    )
