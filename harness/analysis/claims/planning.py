"""Before anybody runs anything: how many samples a claim takes, and what a benchmark of a given size can settle.

Sizes are for one task at the claim's alpha with power 0.8, by the exact tests that later decide; sizes for two models
are normal approximations, never below the six discordant samples that McNemar's test needs. A power is a promise under
the truth that is assumed, and under no other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.analysis.claims.published import bar_of, margin_of
from harness.analysis.equivalence import non_inferiority_size, tost_size
from harness.analysis.power import (
    finite_refutation_size,
    finite_support_size,
    paired_spread,
    refutation_power,
    refutation_size,
    support_power,
    support_size,
    two_model_size,
)
from harness.analysis.proportions import least_right
from harness.config.claims import THRESHOLDS, Claim

STEPS = (-0.40, -0.30, -0.20, -0.10, -0.05, -0.02, 0.02, 0.05, 0.10)
GAPS = (0.02, 0.03, 0.05, 0.10, 0.15)
# How far two models' right and wrong answers go together: not at all (unpaired), as usual, like siblings
CORRELATIONS = (0.0, 0.5, 0.7)
LEAST_DISCORDANT = 6


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """For one assumed truth: the word it should lead to, samples that it takes (None: more than can be searched).

    `needed_skill` by the binomial test; `needed_items` of exactly these items, drawn at random; `power` of asking the
    whole benchmark about the skill. The last two are None where the benchmark's size is unknown.
    """

    truth: float
    word: str
    needed_skill: int | None
    needed_items: int | None
    power: float | None


@dataclass(frozen=True, slots=True)
class GapPlan:
    """For one assumed difference: samples by correlation of the two models' answers, and the word they lead to."""

    gap: float
    word: str
    needed: tuple[int | None, ...]


def score_plans(claim: Claim, size: int | None) -> list[ScorePlan]:
    """Plan a claim of a score against a threshold, for a benchmark of `size` items. Raises ValueError for another."""
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
    margin = margin_of(claim)
    gaps = [0.0, *(-gap for gap in GAPS if gap < margin)] if margin else [-gap for gap in GAPS] + list(GAPS)
    return [
        GapPlan(gap, _word(claim.relation, gap), tuple(_gap_size(claim, rate, gap, one) for one in CORRELATIONS))
        for gap in sorted(gaps)
        if 0 < rate + gap < 1
    ]


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
            items = (finite_refutation_size if below else finite_support_size)(must, solved, size, alpha).n
        except ValueError:
            items = size
        power = (refutation_power if below else support_power)(size, bar, truth, alpha).power
    return ScorePlan(truth, "refuted" if refutes else "supported", skill, items, power)


def _gap_size(claim: Claim, rate: float, gap: float, correlation: float) -> int | None:
    alpha, margin = claim.stats.alpha, margin_of(claim)
    spread = paired_spread(rate + gap, rate, correlation)
    try:
        if claim.relation == "within":
            size = tost_size(spread, margin, gap, alpha)
        elif margin:
            size = non_inferiority_size(spread, margin, gap, alpha)
        else:
            # Its test is one-sided: twice the alpha of a two-sided one
            size = two_model_size(rate + gap, rate, correlation, 2 * alpha)
            size = max(size, LEAST_DISCORDANT / abs(gap))
    except ValueError:
        return None
    return math.ceil(size)


def _word(relation: str, gap: float) -> str:
    if relation in ("<", "<="):
        gap = -gap
    return "supported" if relation in ("within", "non_inferior") or gap > 0 else "refuted"
