"""Before a run: how many samples a claim needs, and what its benchmark's size can settle.

Sizes are for one task at the claim's alpha with power 0.8, by the exact tests that later decide, and always the n from
which on every larger one has that power. Power is conditional on the assumed true value.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.claims.page import THRESHOLDS, Claim
from harness.claims.protocol import is_named
from harness.claims.published import bar_of, gap_of
from harness.claims.runs import task_file
from harness.config import pages
from harness.config.yaml_page import YamlPage
from harness.errors import UserError
from harness.stats.power import (
    difference_size,
    finite_refutation_size,
    finite_support_size,
    paired_spread,
    refutation_power,
    refutation_size,
    support_power,
    support_size,
    tost_size,
)
from harness.stats.proportions import least_right
from harness.stats.relations import Gap
from harness.stats.two_model_power import (
    Margins,
    discordance,
    mcnemar_size,
    paired_margin_power,
    size_with,
    unpaired_power,
)

STEPS = (-0.40, -0.30, -0.20, -0.10, -0.05, -0.02, 0.02, 0.05, 0.10)
GAPS = (0.02, 0.03, 0.05, 0.10, 0.15)
# Correlation of two models' right and wrong answers: none (unpaired), typical, models of one family
CORRELATIONS = (0.0, 0.5, 0.7)
# A comparator's score where none was published
USUAL = 0.8


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """For one assumed true score: the expected verdict, and the samples needed (None: more than can be searched).

    `needed_skill` (generalisation) by the binomial test; `needed_items` of exactly these items, drawn at random;
    `power` of the whole benchmark for the skill. The last two are None where the benchmark's size is unknown.
    """

    truth: float
    word: str
    needed_skill: int | None
    needed_items: int | None
    power: float | None


@dataclass(frozen=True, slots=True)
class GapPlan:
    """For one assumed true difference: the expected verdict, and the samples needed by correlation of the answers."""

    gap: float
    word: str
    needed: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Plans of one task. `bar`: the threshold, or the difference in the claim (0 for none).

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
    """Plan a claim task by task. Raises UserError for a claim without a sample size."""
    if claim.test.not_measured or not claim.test.tasks:
        why = claim.test.not_measured or "the claim is about facts, prices or a count, not about one score"
        raise UserError(f"{claim.place}: sample size cannot be planned: {why}")
    if claim.relation == "=" or claim.times is not None:
        kind = "an equality" if claim.relation == "=" else "a ratio"
        raise UserError(f"{claim.place}: sample size is planned for thresholds and differences, not for {kind}")
    found = []
    for task in claim.test.tasks:
        size = _size(claim, task_file(task, page), task)
        if claim.threshold is not None and claim.relation in THRESHOLDS:
            if not 0 < claim.bar < 1:
                raise UserError(f"{claim.place}: {claim.bar:g} is not a proportion; sample size cannot be planned")
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


def score_plans(claim: Claim, size: int | None) -> list[ScorePlan]:
    """Plan a claim of a score and a threshold, for a benchmark of `size` items. Raises ValueError for another claim."""
    if claim.relation not in THRESHOLDS or claim.threshold is None:
        raise ValueError(f"{claim.id} has no threshold")
    bar = bar_of(claim, None)
    found = []
    for step in STEPS:
        truth = round(bar.value + step, 6)
        if 0 < truth < 1:
            found.append(_score_plan(bar.value, truth, (truth < bar.value) == bar.at_least, size, claim.stats.alpha))
    return found


def gap_plans(claim: Claim, rate: float) -> list[GapPlan]:
    """Plan a claim of two models, the comparator's true score being `rate`."""
    gap = gap_of(claim)
    if gap.within:
        steps = [0.0, *(-step for step in GAPS if step < gap.margin)]
    elif claim.relation == "non_inferior":
        steps = [step for step in (0.0, *(-step for step in GAPS)) if step > gap.shift]
    else:
        steps = [gap.shift + step for step in (*(-step for step in GAPS), *GAPS)]
    return [
        GapPlan(step, _word(gap, step), tuple(_gap_size(claim, rate, step, one) for one in CORRELATIONS))
        for step in sorted(round(step, 6) for step in steps)
        if 0 < rate + step < 1
    ]


def _size(claim: Claim, file: str, task: str) -> int | None:
    """Items of a benchmark: by its task page, else by a published number."""
    if pages.is_file_name(file) or file in pages.index("tasks"):
        return pages.task_page(file)[0].expected_count
    return max((row.n for row in claim.published if row.task == task and row.n), default=None)


def _score_plan(bar: float, truth: float, refutes: bool, size: int | None, alpha: float) -> ScorePlan:
    below = truth < bar
    try:
        sized = (refutation_size if below else support_size)(bar, truth, alpha)
        skill: int | None = sized.stays or sized.n
    except ValueError:
        skill = None
    items, power = None, None
    if size is not None:
        must, solved = least_right(bar, size), round(truth * size)
        try:
            sized = (finite_refutation_size if below else finite_support_size)(must, solved, size, alpha)
            items = sized.stays or size
        except ValueError:
            items = size
        power = (refutation_power if below else support_power)(size, bar, truth, alpha).power
    return ScorePlan(truth, "refuted" if refutes else "supported", skill, items, power)


def _gap_size(claim: Claim, rate: float, step: float, correlation: float) -> int | None:
    """Samples needed to show the relation, or its opposite, if the subject's score is `rate + step`."""
    alpha, gap = claim.stats.alpha, gap_of(claim)
    truth = discordance(rate + step, rate, correlation)
    spread = paired_spread(rate + step, rate, correlation)
    try:
        if gap.within:
            guess, margins = tost_size(spread, gap.margin, step, alpha), Margins(-gap.margin, gap.margin)
        else:
            # Its test is one-sided: twice the alpha of a two-sided one
            guess = difference_size(step - gap.shift, spread, 2 * alpha)
            margins = Margins(low=gap.shift) if step > gap.shift else Margins(high=gap.shift)
    except ValueError:
        return None
    if gap.shift == 0 and not gap.within:
        if correlation:
            return mcnemar_size(truth, alpha, two_sided=False)
        return size_with(lambda n: unpaired_power(n, (rate + step, rate), None, alpha), guess)
    if correlation:
        return size_with(lambda n: paired_margin_power(n, truth, margins, alpha), guess)
    return size_with(lambda n: unpaired_power(n, (rate + step, rate), margins, alpha), guess)


def _word(gap: Gap, step: float) -> str:
    if gap.within:
        return "supported"
    return "supported" if (step > gap.shift) == gap.upward else "refuted"
