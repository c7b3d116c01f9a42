"""Before a run: how many samples a claim needs, and what its benchmark's size can settle, task by task.

Plans of one score are in `planned_scores`, those of two models in `planned_gaps`. All of it is conditional on the
assumed true value, and on what `planned_samples` assumes of the samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.claims.difficulty_plan import control_plan, with_control
from harness.claims.page import ORDERS, THRESHOLDS, Claim
from harness.claims.planned_gaps import GapPlan, gap_plans
from harness.claims.planned_samples import Assumed, PlannedSamples
from harness.claims.planned_scores import ScorePlan, score_plans
from harness.claims.protocol import is_named
from harness.claims.runs import task_file
from harness.config import pages
from harness.config.yaml_page import YamlPage
from harness.errors import ConfigError, UserError
from harness.execution.base import Limits
from harness.scoring.base import Tools
from harness.scoring.factory import build_scorers

# A comparator's score where none was published
USUAL = 0.8


@dataclass(frozen=True, slots=True)
class Power:
    """Plans of one task. `bar`: the threshold, or the difference in the claim (0 for none).

    `rate`: the comparator's score that gaps are counted from; None with a threshold. `by_bets`: why the samples get
    the test by bets; empty where they are right or wrong and independent. `assumed`: what the stops assume of them, a
    line each. `difficulty`: the page of the items' difficulty that the test uses; empty for none.
    """

    claim: str
    relation: str
    bar: float
    task: str
    size: int | None
    scores: tuple[ScorePlan, ...] = ()
    gaps: tuple[GapPlan, ...] = ()
    rate: float | None = None
    by_bets: str = ""
    assumed: tuple[str, ...] = ()
    difficulty: str = ""


def power_of(claim: Claim, page: YamlPage, assumed: Assumed | None = None) -> list[Power]:
    """Plan a claim task by task.

    Raises UserError for a claim without a sample size, ConfigError for an assumption that concerns none of its tasks.
    """
    if claim.test.not_measured or not claim.test.tasks:
        why = claim.test.not_measured or "the claim is about facts, prices or a count, not about one score"
        raise UserError(f"{claim.place}: sample size cannot be planned: {why}")
    if claim.relation == "=" or claim.times is not None:
        kind = "an equality" if claim.relation == "=" else "a ratio"
        raise UserError(f"{claim.place}: sample size is planned for thresholds and differences, not for {kind}")
    files = [(task, task_file(task, page)) for task in claim.test.tasks]
    samples = {task: _samples(claim, file, assumed or Assumed()) for task, file in files}
    _refuse_idle(claim, assumed or Assumed(), list(samples.values()))
    sizes = {task: _size(claim, file, task) for task, file in files}
    _refuse_too_large(assumed or Assumed(), samples, sizes)
    found = []
    for task, size in sizes.items():
        own = samples[task]
        of_score = claim.threshold is not None and claim.relation in THRESHOLDS
        plan = Power(claim.id, claim.relation, claim.by or 0.0, task, size)
        # Exactly these items come in random order, which is enough for a claim of them
        counts = own if of_score or claim.test.about == "skill" else replace(own, in_groups=False)
        if counts.kind:
            lines = tuple(counts.lines(pairs=not of_score)) if size else ()
            plan = replace(plan, by_bets=counts.kind, assumed=lines)
        if of_score:
            if not 0 < claim.bar < 1:
                raise UserError(f"{claim.place}: {claim.bar:g} is not a proportion; sample size cannot be planned")
            plan = replace(plan, bar=claim.bar, scores=tuple(score_plans(claim, size, own)))
            usable = size if claim.relation in ORDERS and not own.graded else None
            if usable and (control := control_plan(claim, task, usable)):
                scores = tuple(with_control(one, control, claim.stats.min_n) for one in plan.scores)
                plan = replace(plan, scores=scores, difficulty=control.page)
            found.append(plan)
            continue
        others = [
            row.value
            for row in claim.published
            if row.task == task and any(is_named(row.model, party) for party in claim.comparators)
        ]
        rate = max((value for value in others if 0 < value < 1), default=USUAL)
        found.append(replace(plan, gaps=tuple(gap_plans(claim, rate, size, counts)), rate=rate))
    return found


def _size(claim: Claim, file: str, task: str) -> int | None:
    """Items of a benchmark: by its task page, else by a published number."""
    if pages.is_file_name(file) or file in pages.index("tasks"):
        return pages.task_page(file)[0].expected_count
    return max((row.n for row in claim.published if row.task == task and row.n), default=None)


def _samples(claim: Claim, file: str, assumed: Assumed) -> PlannedSamples:
    """What the task's page says of its samples; right or wrong and independent where there is no page."""
    if not (pages.is_file_name(file) or file in pages.index("tasks")):
        return PlannedSamples()
    page = pages.task_page(file)[0]
    return PlannedSamples(
        claim.protocol.samples or page.repeats,
        not gives_zero_or_one(page.score[0]),
        page.data.group is not None,
        assumed,
    )


def _refuse_idle(claim: Claim, assumed: Assumed, samples: Sequence[PlannedSamples]) -> None:
    idle = {
        "--spread": assumed.spread is not None and not any(one.graded for one in samples),
        "--icc": assumed.icc is not None and not any(one.in_groups for one in samples),
        "--group-size": assumed.groups is not None and not any(one.in_groups for one in samples),
    }
    if said := [option for option, unused in idle.items() if unused]:
        tasks, graded = ", ".join(claim.test.tasks), said == ["--spread"]
        why = "only right or wrong, one completion a sample" if graded else "in no groups"
        raise ConfigError(
            f"{', '.join(said)}: samples of {tasks} are {why}, so there is nothing to assume; leave it out"
        )


def _refuse_too_large(assumed: Assumed, samples: Mapping[str, PlannedSamples], sizes: Mapping[str, int | None]) -> None:
    """Raise ConfigError for groups that a benchmark has not the samples for."""
    groups = assumed.groups
    for task, size in sizes.items():
        if groups is not None and size is not None and samples[task].in_groups and groups.largest > size:
            raise ConfigError(
                f"--group-size {groups.mean:g},{groups.largest}: {task} has {size} samples, so no group has "
                f"{groups.largest}"
            )


def gives_zero_or_one(entry: Mapping[str, Any]) -> bool:
    """Whether the scorer of this entry of a page gives nothing else; it is built only, and scores nothing."""

    def nothing(*_: object) -> Any:
        return None

    tools = Tools(sandbox=nothing, math=nothing, limits=Limits(), page_function=lambda name: nothing)
    return build_scorers([entry], tools)[0].binary
