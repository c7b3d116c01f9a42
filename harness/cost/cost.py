"""What answers cost, what a solved problem costs, and whether one model's tokens are cheaper than another's. Pure.

Money is US dollars, prices are for a million tokens, and ratios of prices are exact fractions, so that a saving of
just 60 % is 60 %. Guarantees: an answer whose tokens nobody counted makes its cost unknown, never 0; prices that were
never on offer at the same time are not compared. A price for a token is no price for a task: a model that writes three
times as much costs three times as much, so only `task_cost` can say which is cheaper to use.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from harness.datatypes import Completion, Likelihood, Record, Refusal, RollingRequest
from harness.stats.intervals import clustered_standard_error, mean_interval, standard_error, t_quantile

if TYPE_CHECKING:
    from harness.cost.prices import PricePage

MILLION = 1_000_000
SECONDS_AN_HOUR = 3600

Hours = Literal["all", "peak", "off_peak"]


@dataclass(frozen=True, slots=True)
class Price:
    """One model's price from `since` until before `until` (None: not known, or not ended), at these hours.

    `input`, `cached` and `output` are for a million tokens; without `cached`, cached tokens cost what others cost.
    """

    name: str
    input: float
    output: float
    cached: float | None = None
    since: date | None = None
    until: date | None = None
    hours: Hours = "all"

    def in_force(self, day: date) -> bool:
        """Whether it was the price on this day, as far as its dates tell."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Blend:
    """Tokens read for tokens written: `Blend(3, 1)` is the 3:1 of Artificial Analysis. No cached tokens in it."""

    input: int
    output: int

    def __post_init__(self) -> None:
        """Refuse a blend of nothing. Raises ValueError."""
        if min(self.input, self.output) < 0 or not self.input + self.output:
            raise ValueError(f"a blend is two numbers from 0, not both 0; not {self.input}:{self.output}")

    @property
    def label(self) -> str:
        """`3:1`."""
        return f"{self.input}:{self.output}"

    def of(self, price: Price) -> Fraction:
        """Dollars for a million tokens in these proportions: (3 * input + output) / 4 for 3:1."""
        read, written = self.input * _exact(price.input), self.output * _exact(price.output)
        return (read + written) / (self.input + self.output)


BLENDS = (Blend(1, 1), Blend(3, 1), Blend(10, 1))


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison of two dated prices in one blend; `saving` is 1 - subject / comparator."""

    subject: Price
    comparator: Price
    blend: Blend
    saving: Fraction

    def cheaper_by(self, threshold: Fraction) -> bool:
        """Whether the subject costs at most (1 - threshold) of what the comparator costs."""
        return self.saving >= threshold


def cells(subjects: Sequence[Price], comparators: Sequence[Price], blends: Sequence[Blend] = BLENDS) -> list[Cell]:
    """Every pair of prices that were on offer at the same time, in every blend.

    Prices of two different hours (peak and off-peak) are no pair: nobody is asked at both.
    """
    return [
        Cell(subject, comparator, blend, 1 - blend.of(subject) / blend.of(comparator))
        for subject in subjects
        for comparator in comparators
        if _met(subject, comparator)
        for blend in blends
    ]


def dated_prices(page: PricePage) -> list[Price]:
    """Return a page's prices; each lasts until the next one of its hours begins, unless the page says until when."""
    found = []
    for at, row in enumerate(page.prices):
        later = [after.since for after in page.prices[at + 1 :] if after.hours == row.hours and after.since]
        until = row.until or (later[0] if later else None)
        found.append(Price(page.name, row.input, row.output, row.cached, row.since, until, row.hours))
    return found


def settle(found: Sequence[Cell], threshold: Fraction) -> Literal["supported", "refuted", "depends", "no cells"]:
    """Say whether "cheaper by `threshold`" holds in all cells, in none, or in some of them."""
    if not found:
        return "no cells"
    passing = sum(cell.cheaper_by(threshold) for cell in found)
    return "supported" if passing == len(found) else "refuted" if not passing else "depends"


@dataclass(frozen=True, slots=True)
class Answered:
    """Tokens of one answer: read anew, read from the cache, written; the engine's seconds; whether it solved.

    Tokens are None where they were not counted; `solved` is None where it was not scored, or is nothing to be solved.
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
        """What this answer goes together with: its group, else the other answers to its sample."""
        return ("sample", self.sample_id) if self.group is None else ("group", self.group)


@dataclass(frozen=True, slots=True)
class Usage:
    """A task's answers. Means are over all of them, None where one was not counted; `refused` were never answered."""

    task: str
    answers: tuple[Answered, ...]
    refused: int = 0

    @property
    def counted(self) -> bool:
        """Whether the tokens of every answer are known."""
        return bool(self.answers) and not any(one.fresh is None or one.output is None for one in self.answers)

    @property
    def solved(self) -> int | None:
        """Answers that solved their problem; None where a problem is nothing to be solved."""
        told = [one.solved for one in self.answers if one.solved is not None]
        return sum(told) if told else None

    @property
    def seconds(self) -> float | None:
        """The engine's time for all answers."""
        told = [one.seconds for one in self.answers if one.seconds is not None]
        return math.fsum(told) if told and len(told) == len(self.answers) else None

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens written over the engine's time; None where nothing was written or timed."""
        if not self.counted or not self.seconds:
            return None
        return sum(one.output or 0 for one in self.answers) / self.seconds or None

    def mean(self, kind: Literal["fresh", "cached", "output"]) -> float | None:
        """Tokens of a kind for one answer; `fresh` are those read that were not cached."""
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


def usages(records: Iterable[Record]) -> list[Usage]:
    """Gather a run's records by task, in the order in which tasks first come.

    An answer has solved its problem when its first scorer gives it all of its score (1). Texts whose likelihood is
    asked for are nothing to be solved. Likelihoods count as tokens read.
    """
    by_task: dict[str, list[Answered]] = {}
    refused: dict[str, int] = {}
    for record in records:
        task = record.request.task
        answers = by_task.setdefault(task, [])
        if isinstance(record.reply, Refusal):
            refused[task] = refused.get(task, 0) + 1
        else:
            answers.append(_answered(record, record.reply))
    return [Usage(task, tuple(answers), refused.get(task, 0)) for task, answers in by_task.items()]


def together(name: str, parts: Sequence[Usage]) -> Usage:
    """All tasks' answers as one; samples of two tasks stay two."""
    answers = tuple(
        replace(one, sample_id=f"{part.task}/{one.sample_id}", group=one.group and f"{part.task}/{one.group}")
        for part in parts
        for one in part.answers
    )
    return Usage(name, answers, sum(part.refused for part in parts))


def task_cost(usage: Usage, price: Price) -> Cost:
    """Price the tokens: input * fresh + cached * cached + output * output, each for a million."""
    if not usage.counted:
        return Cost(None)
    cached = price.input if price.cached is None else price.cached
    each = [
        ((one.fresh or 0) * price.input + one.cached * cached + (one.output or 0) * price.output) / MILLION
        for one in usage.answers
    ]
    return _cost(usage, each)


def hourly_cost(usage: Usage, dollars_per_hour: float) -> Cost:
    """Price the engine's time, for a machine that costs so much an hour while it answers and nothing before."""
    if usage.seconds is None:
        return Cost(None)
    return _cost(usage, [(one.seconds or 0.0) / SECONDS_AN_HOUR * dollars_per_hour for one in usage.answers])


def dollars_per_million(dollars_per_hour: float, tokens_per_second: float) -> float:
    """Dollars for a million written tokens at a measured pace. Raises ValueError unless the pace is above 0."""
    if tokens_per_second <= 0:
        raise ValueError(f"a pace is above 0, not {tokens_per_second}")
    return dollars_per_hour / (tokens_per_second * SECONDS_AN_HOUR) * MILLION


def per_solved_interval(
    costs: Sequence[float], solved: Sequence[float], clusters: Sequence[Hashable]
) -> tuple[float, float]:
    """Return the 95 % interval of mean cost over the share solved; its end is infinite where the share may be 0.

    Limits of the two means, combined with their correlation: MOVER-R, Donner and Zou 2012, Stat. Methods Med. Res.
    21:347-359. The share's limits are those of its score (`mean_interval`), the cost's are Student's t; equal costs
    make this the score's own interval turned over. Raises ValueError below two clusters.
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
    together = _correlation(list(sums.values()))
    # As in the source, but for the lower bound multiplied out, so that nothing is divided by 0
    middle = cost * share - together * (cost - cheap) * (most - share)
    under = middle**2 - cheap * most * (2 * cost - cheap) * (2 * share - most)
    whole = middle + math.sqrt(max(0.0, under))
    low = cheap * (2 * cost - cheap) / whole if whole > 0 else 0.0
    if least <= 0:
        return low, math.inf
    middle = cost * share - together * (dear - cost) * (share - least)
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
        # An engine may find more cached than was asked: what a likelihood's continuations share is read once
        fresh=None if read is None else max(0, read - reply.cached_tokens),
        cached=reply.cached_tokens if read is None else min(reply.cached_tokens, read),
        output=output,
        seconds=reply.seconds,
        solved=None if unsolvable or score is None else score >= 1,
        group=record.group,
    )


def _met(one: Price, other: Price) -> bool:
    """Whether two prices were on offer on some day, at some hour."""
    apart = one.hours != other.hours and "all" not in (one.hours, other.hours)
    starts = [price.since for price in (one, other) if price.since]
    ends = [price.until for price in (one, other) if price.until]
    return not apart and (not starts or not ends or max(starts) < min(ends))


def _exact(price: float) -> Fraction:
    """A price as it is written: 0.1 is a tenth."""
    return Fraction(str(price))
