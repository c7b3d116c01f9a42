"""What a metric is: it folds the scored tries of one sample into one value; estimates average over samples.

Some metrics are of the whole corpus instead (a perplexity is no mean of the texts' perplexities): see CorpusMetric.

A metric file has `build(k) -> Metric`, where k is the number after the `@` that users write (`pass@10`), None
where there is none. One that takes a share behind the number too (`g_pass@8_0.5`) has `build_with_share(k, share)`
as well, which gets the share as it was written. A metric never gets an unscored try: samples that have one are left
out before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval


class Metric(Protocol):
    """One way of folding."""

    @property
    def name(self) -> str:
        """The name as users write it in pages and see it in tables."""

    @property
    def needs(self) -> int:
        """The fewest tries of a sample that it can work with."""

    def check(self, repeats: int) -> None:
        """Raise ConfigError if a task of so many repeats cannot have this metric."""

    def of_sample(self, scores: Sequence[Score]) -> float:
        """Return the value of one sample; `scores` has at least `needs` entries, each with a value."""


class CorpusMetric(Protocol):
    """A metric of all samples together, such as a ratio of two sums; `of_sample` it has none.

    It may have an attribute `sums`: the keys that it needs in each score's detail. Scores by a scorer that does not
    give them are refused before a run.
    """

    @property
    def name(self) -> str:
        """The name as users write it in pages and see it in tables."""

    @property
    def needs(self) -> int:
        """The fewest tries of a sample that it can work with."""

    def check(self, repeats: int) -> None:
        """Raise ConfigError if a task of so many repeats cannot have this metric."""

    def of_corpus(self, samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable]) -> MeanInterval | None:
        """Return the value over all samples, a sequence of scores and a cluster for each, with its interval.

        None where there is no such number.
        """


Build = Callable[[int | None], Metric | CorpusMetric]


def require_k(k: int | None, stem: str) -> int:
    """Return k. Raises ConfigError when the name was written without its number, or with 0."""
    if not k:
        raise ConfigError(f"metric {stem!r} needs its number, 1 or more: write {stem}@1, {stem}@5, ...")
    return k


def require_repeats(name: str, k: int, repeats: int) -> None:
    """Raise ConfigError when a task has too few repeats for a metric over k tries."""
    if k > repeats:
        raise ConfigError(f"metric {name} needs at least {k} repeats, the task has {repeats}: set repeats: {k}")


def passed(scores: Sequence[Score]) -> int:
    """Count the tries that pass: their score is 1; a part of 1 is no pass."""
    return sum((score.value or 0.0) >= 1.0 for score in scores)


def votes(scores: Sequence[Score]) -> list[str | None]:
    """Return each try's answer in the form in which equal answers are the same text; None for a try without one.

    A scorer that cleans answers before it compares them says the cleaned form as `detail["vote"]`.
    """
    return [None if score.answer is None else str(score.detail.get("vote", score.answer)) for score in scores]
