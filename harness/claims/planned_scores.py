"""Before a run: how many samples a claim of one score and a threshold needs, by assumed true score.

The n of a run of fixed size is for one task at the claim's alpha with power 0.8, by the exact binomial test, and always
the n from which on every larger one has that power. Where `claim check --run` stops is computed from its boundaries
(`stats.exact_stopping.stops`), or simulated where its test is by bets (`stats.bets_stop`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.claims.page import THRESHOLDS, Claim
from harness.claims.planned_samples import PlannedSamples
from harness.claims.published import bar_of
from harness.claims.sequential_test import TaskTest, levels_of
from harness.stats.bets_stop import Within, bets_stop, walks_of
from harness.stats.exact_interval import Levels
from harness.stats.exact_stopping import Draws, Items, Share, stops
from harness.stats.power import refutation_size, support_size
from harness.stats.thresholds import Bar

STEPS = (-0.40, -0.30, -0.20, -0.10, -0.05, -0.02, 0.02, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class StopPlan:
    """Where the sequential test stops: samples after which half and 80 % of its runs end, their mean, and the power.

    `power`: the probability that it ends with the expected verdict.
    """

    half: int
    most: int
    mean: float
    power: float


@dataclass(frozen=True, slots=True)
class ScorePlan:
    """For one assumed true score: the expected verdict, and the samples needed (None: more than can be searched).

    `needed_skill`: for other problems of the kind (generalisation), fixed in advance, by the binomial test. The others
    are of `claim check --run` on this benchmark, None where its size is unknown: `skill` and `items`, its stop for the
    claim about the skill and for the one about exactly these items; `needed_items` and `power`: the samples by which
    80 % have stopped on these items, and the power of the skill with all of them.
    """

    truth: float
    word: str
    needed_skill: int | None
    needed_items: int | None
    power: float | None
    skill: StopPlan | None = None
    items: StopPlan | None = None


def score_plans(claim: Claim, size: int | None, samples: PlannedSamples | None = None) -> list[ScorePlan]:
    """Plan a claim of a score and a threshold, for a benchmark of `size` items. Raises ValueError for another claim.

    `samples`: what is known and assumed of them; None: right or wrong, and independent.
    """
    if claim.relation not in THRESHOLDS or claim.threshold is None:
        raise ValueError(f"{claim.id} has no threshold")
    bar = bar_of(claim, None)
    found = []
    for step in STEPS:
        truth = round(bar.value + step, 6)
        if 0 < truth < 1:
            word = "refuted" if (truth < bar.value) == bar.at_least else "supported"
            found.append(_score_plan(bar.value, truth, word, claim.stats.alpha))
    if size is None:
        return found
    levels, samples = levels_of(claim, max(1, len(claim.test.tasks))), samples or PlannedSamples()
    least, of_items = claim.stats.min_n, replace(bar, size=size)
    exact = None if samples.graded else TaskTest(of_items, size, levels, least)
    independent = None if samples.kind else TaskTest(bar, size, levels, least)
    return [
        _with_stops(
            plan,
            _of_skill(independent, plan) if independent else _of_bets(claim, samples, plan, (bar, size), levels),
            _of_items(exact, plan) if exact else _of_bets(claim, samples, plan, (of_items, size), levels),
        )
        for plan in found
    ]


def _score_plan(bar: float, truth: float, word: str, alpha: float) -> ScorePlan:
    try:
        sized = (refutation_size if truth < bar else support_size)(bar, truth, alpha)
        needed: int | None = sized.stays or sized.n
    except ValueError:
        needed = None
    return ScorePlan(truth, word, needed, None, None)


def _with_stops(plan: ScorePlan, skill: StopPlan | None, items: StopPlan | None) -> ScorePlan:
    return replace(
        plan,
        skill=skill,
        items=items,
        needed_items=items.most if items else 0,
        power=skill.power if skill else None,
    )


def _of_skill(test: TaskTest, plan: ScorePlan) -> StopPlan | None:
    return _stop(test, Share(plan.truth if test.bar.at_least else 1 - plan.truth), plan.word)


def _of_items(test: TaskTest, plan: ScorePlan) -> StopPlan | None:
    size, solved = test.looks, round(plan.truth * test.looks)
    return _stop(test, Items(solved if test.bar.at_least else size - solved, size), plan.word)


def _of_bets(
    claim: Claim, samples: PlannedSamples, plan: ScorePlan, asked: tuple[Bar, int], levels: Levels
) -> StopPlan:
    """Where bets stop; `asked`: the threshold, with a size for exactly these items, and how many samples there are."""
    bar, looks = asked
    assumed = samples.score(plan.truth if bar.at_least else 1 - plan.truth)
    walks = walks_of(assumed, looks, of_items=bar.size is not None)
    statement = Within(low=bar.value if bar.at_least else 1 - bar.value)
    found = bets_stop(walks, statement, levels.upper, levels.lower, claim.stats.min_n)
    power = found.refuted if plan.word == "refuted" else found.supported
    return StopPlan(found.half, found.most, found.mean, power if claim.stats.min_n <= looks else 0.0)


def _stop(test: TaskTest, truth: Draws, word: str) -> StopPlan | None:
    """Where a test stops; None for one that needs no sample."""
    if test.rule is None:
        return None
    found = stops(test.rule, truth)
    right = found.refuted if word == "refuted" else found.supported
    # A verdict waits for the least number of samples (`stats.min_n`), and never comes with fewer items
    least, looks = min(test.least, test.looks), test.looks
    both = zip(found.refuted, found.supported, strict=True)
    waited = sum((low + high) * (least - n) for n, (low, high) in enumerate(both) if n < least)
    power = min(1.0, sum(right)) if test.least <= looks else 0.0
    return StopPlan(max(least, found.quantile(0.5)), max(least, found.quantile(0.8)), found.mean + waited, power)
