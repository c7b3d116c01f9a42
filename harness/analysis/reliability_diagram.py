"""How often answers of each confidence are right, and how right the most confident ones are: the points of a diagram.

Of the answers and in the bins that the metric `ece` has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.confidence import CONFIDENCE, confidences
from harness.analysis.tries import gather, scorers_of
from harness.datatypes import Record
from harness.stats.calibration import Bin, equal_width, reliability
from harness.stats.selective import risk_coverage_curve

COVERAGES = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Kept:
    """The accuracy of the share `coverage` of the answers that is most confident."""

    coverage: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ReliabilityDiagram:
    """A task's `n` answers with a confidence, by one scorer; `left_out` state none."""

    task: str
    scorer: str
    n: int
    left_out: int
    bins: tuple[Bin, ...]
    kept: tuple[Kept, ...]


def reliability_diagram(records: Sequence[Record], task: str, scorer: str = "") -> ReliabilityDiagram | None:
    """Return a task's diagram by a scorer (the first one unless named).

    None where no answer has a confidence, or where scores were made without the question.
    """
    own = [record for record in records if record.request.task == task]
    scorer = scorer or next(iter(scorers_of(own)), "")
    scored = [(one.sample_id, one.scores) for one in gather(own, scorer) if one.scores]
    if any(CONFIDENCE not in score.detail for _, scores in scored for score in scores):
        return None
    found = confidences([scores for _, scores in scored], [name for name, _ in scored], "a reliability diagram")
    if not found.stated:
        return None
    answers = sum(len(scores) for _, scores in scored)
    accuracies = risk_coverage_curve(found.stated, found.values, COVERAGES)
    return ReliabilityDiagram(
        task,
        scorer,
        len(found.stated),
        answers - len(found.stated),
        reliability(found.stated, found.values, equal_width(found.stated)),
        tuple(Kept(coverage, accuracy) for coverage, accuracy in zip(COVERAGES, accuracies, strict=True)),
    )
