"""pass@k and maj@k for every k up to the number of tries: what more tries are worth.

Each point is the estimate that the score table has for the metric `pass@k` (`maj@k`): the same fold of a sample's
tries, the same interval over samples. Points of one curve are not independent: they are of the same tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.metric import parse
from harness.analysis.metrics.base import Metric
from harness.analysis.tries import SampleTries, gather, scorers_of
from harness.datatypes import Record, Score
from harness.stats.intervals import MeanInterval, mean_interval

# Values of k on a curve; of more, ends and steps between them
MOST_POINTS = 24


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The metric at one k, with its 95 % interval over samples."""

    k: int
    score: MeanInterval


@dataclass(frozen=True, slots=True)
class PassCurve:
    """A task's pass@k over `n` samples, by one scorer; `tries`: the fewest tries of a sample, which is the largest k.

    `majority`: maj@k at the same k, where it was wanted; `unscored`: samples that are left out.
    """

    task: str
    scorer: str
    n: int
    tries: int
    unscored: int
    passes: tuple[CurvePoint, ...]
    majority: tuple[CurvePoint, ...] = ()


def pass_curve(records: Sequence[Record], task: str, scorer: str = "", *, vote: bool = False) -> PassCurve | None:
    """Return a task's curve by a scorer (the first one unless named); `vote`: with maj@k.

    None where there is nothing to draw: one try a sample, no scored sample, or a score that is not 0 or 1. Source of
    the estimator: Chen et al. 2021, arXiv 2107.03374, see `stats.pass_at_k`.
    """
    own = [record for record in records if record.request.task == task]
    scorer = scorer or next(iter(scorers_of(own)), "")
    tries = gather(own, scorer)
    scored = [(one, one.scores) for one in tries if one.scores]
    if not scored or any(score.value not in (0, 1) for _, scores in scored for score in scores):
        return None
    fewest = min(len(scores) for _, scores in scored)
    if fewest < 2:
        return None
    clusters = [_cluster(one) for one, _ in scored]
    values = [scores for _, scores in scored]
    steps = ks(fewest)
    return PassCurve(
        task,
        scorer,
        len(scored),
        fewest,
        len(tries) - len(scored),
        tuple(_point("pass", k, values, clusters) for k in steps),
        tuple(_point("maj", k, values, clusters) for k in steps) if vote else (),
    )


def ks(most: int) -> tuple[int, ...]:
    """Return 1 to `most`, or about `MOST_POINTS` of them, both ends included, denser where the curve is steep."""
    if most <= MOST_POINTS:
        return tuple(range(1, most + 1))
    steps = (round(most ** (place / (MOST_POINTS - 1))) for place in range(MOST_POINTS))
    return tuple(sorted({*steps, 1, most}))


def _point(stem: str, k: int, values: Sequence[Sequence[Score]], clusters: Sequence[tuple[str, str]]) -> CurvePoint:
    metric = parse(f"{stem}@{k}")
    assert not hasattr(metric, "of_corpus")
    return CurvePoint(k, mean_interval([_of_sample(metric, scores) for scores in values], clusters))


def _of_sample(metric: Metric, scores: Sequence[Score]) -> float:
    return metric.of_sample(scores)


def _cluster(one: SampleTries) -> tuple[str, str]:
    return ("sample", one.sample_id) if one.group is None else ("group", one.group)
