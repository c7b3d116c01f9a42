"""Metrics of confidence: how well a model knows which of its answers are right.

A confidence is `detail["confidence"]` of a score, from 0 to 1: of a choice by log-likelihood the chosen option's share
of the probability, of a completion what the page's `confidence` read. It is None where a completion states none: such
tries are left out, a sample with no other try too, and estimates show their share.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval

CONFIDENCE = "confidence"


@dataclass(frozen=True, slots=True)
class Confidences:
    """Tries that state a confidence: it, the value of the answer, and the sample or group that the try varies with."""

    stated: tuple[float, ...]
    values: tuple[float, ...]
    clusters: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class ConfidenceMetric:
    """A metric of all tries with a confidence; `score` computes it."""

    name: str
    score: Callable[[Confidences], MeanInterval]
    needs: int = 1
    sums: tuple[str, ...] = (CONFIDENCE,)

    def check(self, repeats: int) -> None:
        """Accept any number of repeats: each try is an answer, and the tries of a sample vary together."""

    def of_corpus(self, samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable]) -> MeanInterval | None:
        """Return the score; None where no try has a confidence. Raises ConfigError for scores that cannot have one."""
        found = confidences(samples, clusters, f"metric {self.name}")
        return self.score(found) if found.stated else None


def confidences(samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable], part: str) -> Confidences:
    """Return the tries that state a confidence. Raises ConfigError for scores that cannot have one."""
    tries = [(score, cluster) for own, cluster in zip(samples, clusters, strict=True) for score in own]
    if any(CONFIDENCE not in score.detail for score, _ in tries):
        raise ConfigError(f"{part} needs the `confidence` of every score; score the run again with `harness rescore`")
    kept = [(score, cluster) for score, cluster in tries if is_stated(score)]
    return Confidences(
        tuple(float(score.detail[CONFIDENCE]) for score, _ in kept),
        tuple(score.value or 0.0 for score, _ in kept),
        tuple(cluster for _, cluster in kept),
    )


def is_stated(score: Score) -> bool:
    """Whether a score has a confidence."""
    return score.detail.get(CONFIDENCE) is not None


def needs_confidence(metric: object) -> bool:
    """Whether a metric is of answers with a confidence alone."""
    return CONFIDENCE in getattr(metric, "sums", ())


def no_number(k: int | None, name: str) -> None:
    """Raise ConfigError for a number behind a metric's name."""
    if k is not None:
        raise ConfigError(f"metric {name} takes no number: write {name}, not {name}@{k}")
