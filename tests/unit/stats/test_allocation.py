"""Samples for a budget, against every way to spend it."""

from __future__ import annotations

import itertools
import math

import pytest

from harness.stats.allocation import GOALS, Goal, Step, Stratum, allocate, most_settled

STRATA = (Stratum(1.0, 0.5, 2, 30), Stratum(3.0, 0.3, 2, 25), Stratum(0.5, 0.45, 2, 20))


def missed(sizes: tuple[int, ...], goal: Goal) -> float:
    """What the goal minimises."""
    errors = [one.spread / math.sqrt(n) for one, n in zip(STRATA, sizes, strict=True)]
    return max(errors) if goal == "largest" else sum(errors) if goal == "mean" else sum(e**2 for e in errors)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("budget", [10.0, 23.0, 60.0])
def test_no_other_way_to_spend_a_budget_is_much_better(goal: Goal, budget: float):
    found = allocate(STRATA, budget, goal)
    assert sum(one.cost * n for one, n in zip(STRATA, found, strict=True)) <= budget
    ways = itertools.product(*(range(one.least, one.most + 1) for one in STRATA))
    fitting = (way for way in ways if sum(one.cost * n for one, n in zip(STRATA, way, strict=True)) <= budget)
    best = min(missed(way, goal) for way in fitting)
    # Whole samples only: within the step of one sample
    assert missed(found, goal) <= 1.02 * best


def test_a_large_budget_takes_every_sample_and_a_small_one_is_refused():
    assert allocate(STRATA, 1e6, "largest") == (30, 25, 20)
    with pytest.raises(ValueError, match="more than the budget"):
        allocate(STRATA, 8.0, "largest")


def test_claims_get_what_settles_most_for_its_cost():
    curves = [
        [Step(10, 10, 0.2), Step(20, 20, 0.6), Step(40, 40, 0.9)],
        [Step(10, 30, 0.5), Step(20, 60, 0.8)],
        [Step(10, 1, 0.0)],
    ]
    for budget in (0, 12, 25, 50, 75, 200):
        found = most_settled(curves, budget)
        assert sum(step.cost for step in found if step) <= budget
        worth = sum(step.worth for step in found if step)
        ways = itertools.product(*([None, *curve] for curve in curves))
        best = max(
            sum(step.worth for step in way if step) for way in ways if sum(step.cost for step in way if step) <= budget
        )
        assert worth == pytest.approx(best)
