"""Answers that the set-up lost: cut off, withheld, or not read.

A score of such answers says more about the set-up than about the model. So a verdict on them has a caution, and where
it is most of the answers of a task there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from harness.analysis.cautions import MOST, of_lost
from harness.analysis.estimates import estimate_task, primary_estimates
from harness.claims.page import Claim
from harness.claims.runs import Run, of_comparators, of_subject, task_name
from harness.claims.verdict import Ruling
from harness.results import Estimate


@dataclass(frozen=True, slots=True)
class Lost:
    """What was lost of one model's answers to a task; `most`: more than half of them, and they score 0 for it."""

    text: str
    most: bool


def lost_in(model: str, estimates: Iterable[Estimate]) -> tuple[Lost, ...]:
    """What was lost in the primary scores of a run."""
    found = []
    for one in primary_estimates(tuple(estimates)):
        # An answer without anything to extract may be the model's own; one that has the right answer is not
        share = max(_cut_off(one), one.filtered or 0.0, one.unread or 0.0)
        found += [Lost(f"{one.task}, {model}: {line}", share > MOST) for line in of_lost(one)]
    return tuple(found)


def _cut_off(estimate: Estimate) -> float:
    """The share of answers that were cut off and are not right: a program may be complete before the limit."""
    cut = estimate.truncated or 0.0
    if estimate.value is None or not 0 <= estimate.value <= 1:
        return cut
    right = estimate.value - (estimate.completed or 0.0) * (1 - cut)
    return cut - min(cut, max(0.0, right))


def lost_of_claim(claim: Claim, runs: Sequence[Run]) -> tuple[Lost, ...]:
    """What was lost in the runs that may decide a claim."""
    return lost_in_runs(claim, [*of_subject(runs, claim), *(run for run, _ in of_comparators(runs, claim))])


def lost_in_runs(claim: Claim, runs: Iterable[Run]) -> tuple[Lost, ...]:
    """What was lost in these runs, of the tasks that decide the claim."""
    found: dict[Lost, None] = {}
    for run in runs:
        for task in _deciding(claim, run):
            identity = run.manifest.task(task)
            estimates = estimate_task(task, run.records, [identity.metric], identity.repeats, run.manifest.total(task))
            found |= dict.fromkeys(lost_in(run.model, estimates))
    return tuple(found)


def _deciding(claim: Claim, run: Run) -> list[str]:
    """The claim's tasks in a run, else those of the stand-in that it names."""
    stand_in = claim.subject.stand_in
    for tasks in (claim.test.tasks, stand_in.tasks if stand_in else []):
        if own := [name for name in map(task_name, tasks) if name in run.tasks]:
            return own
    return []


def without_most_lost(ruling: Ruling, lost: Sequence[Lost]) -> Ruling:
    """The ruling, but none on a model where most of its answers were lost."""
    worst = [one for one in lost if one.most]
    if not worst or ruling.word not in ("supported", "refuted"):
        return ruling
    return replace(
        ruling, word="inconclusive", rule=f"the score says more about the set-up than about the model: {worst[0].text}"
    )
