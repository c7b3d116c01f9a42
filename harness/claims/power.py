"""What a claim takes to settle, told for the benchmarks that it names."""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.page import THRESHOLDS, Claim
from harness.claims.planning import GapPlan, ScorePlan, gap_plans, score_plans
from harness.claims.protocol import is_named
from harness.claims.runs import task_file
from harness.config import pages
from harness.config.yaml_page import YamlPage
from harness.errors import UserError

# A comparator's score where nobody printed one
USUAL = 0.8


@dataclass(frozen=True, slots=True)
class Power:
    """Plans of one task. `bar`: the threshold, or the difference that the claim names (0 for none).

    `rate`: the comparator's score that gaps are counted from; None with a threshold.
    """

    claim: str
    relation: str
    bar: float
    task: str
    size: int | None
    scores: tuple[ScorePlan, ...] = ()
    gaps: tuple[GapPlan, ...] = ()
    rate: float | None = None


def power_of(claim: Claim, page: YamlPage) -> list[Power]:
    """Plan a claim task by task. Raises UserError for one that no number of samples settles."""
    if claim.test.not_measured or not claim.test.tasks:
        why = claim.test.not_measured or "it is about facts, prices or a count, not about one score"
        raise UserError(f"{claim.id}: no number of samples settles it: {why}")
    if claim.relation == "=" or claim.times is not None:
        kind = "an equality" if claim.relation == "=" else "a ratio"
        raise UserError(f"{claim.id}: samples are planned for thresholds and differences, not for {kind}")
    found = []
    for task in claim.test.tasks:
        size = _size(claim, task_file(task, page), task)
        if claim.threshold is not None and claim.relation in THRESHOLDS:
            if not 0 < claim.bar < 1:
                raise UserError(f"{claim.id}: {claim.bar:g} is no share, so that no number of samples settles it")
            found.append(Power(claim.id, claim.relation, claim.bar, task, size, scores=tuple(score_plans(claim, size))))
            continue
        others = [
            row.value
            for row in claim.published
            if row.task == task and any(is_named(row.model, party) for party in claim.comparators)
        ]
        rate = max((value for value in others if 0 < value < 1), default=USUAL)
        found.append(
            Power(claim.id, claim.relation, claim.by or 0.0, task, size, gaps=tuple(gap_plans(claim, rate)), rate=rate)
        )
    return found


def _size(claim: Claim, file: str, task: str) -> int | None:
    """Items of a benchmark: as its page says, else as printed with a number."""
    if pages.is_file_name(file) or file in pages.index("tasks"):
        return pages.task_page(file)[0].expected_count
    return max((row.n for row in claim.published if row.task == task and row.n), default=None)
