"""The difference in the mean of several tasks: error rate by simulation, agreement of interval and p, known cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.mean_of_tasks import WeightedTask, mean_bounds, mean_p_value
from harness.stats.paired import PairedDifference, paired_difference
from harness.stats.proportions import clopper_pearson


def difference(n: int, losses: int, wins: int) -> PairedDifference:
    """Of answers right or wrong, so many of n decided each way."""
    baseline = [1.0] * losses + [0.0] * (n - losses)
    return paired_difference([0.0] * losses + [1.0] * wins + [0.0] * (n - losses - wins), baseline)


def wrong_decisions(tasks: list[tuple[int, float, float]], alpha: float, repeats: int = 400) -> tuple[int, int]:
    """How often the mean is found above 0, and below, of tasks as (n, share of losses, share of wins)."""
    generator = np.random.default_rng(3)
    found = [0, 0]
    for _ in range(repeats):
        counts = [generator.multinomial(n, [loss, win, 1 - loss - win]) for n, loss, win in tasks]
        parts = [
            WeightedTask(1 / len(tasks), difference(n, int(lost), int(won)))
            for (n, _, _), (lost, won, _) in zip(tasks, counts, strict=True)
        ]
        low, high = mean_bounds(parts, alpha=alpha)
        found[0] += low > 0
        found[1] += high < 0
    return found[0], found[1]


@pytest.mark.parametrize(
    "tasks",
    [
        [(10, 0.055, 0.0), (500, 0.0, 0.05)],
        [(30, 0.05, 0.0), (1319, 0.0, 0.045)],
        [(30, 0.06, 0.01), (1319, 0.02, 0.065)],
        [(164, 0.05, 0.0), (1319, 0.0, 0.048)],
        [(10, 0.5, 0.5), (10, 0.5, 0.5)],
    ],
    ids=["10+500", "30+1319", "30+1319 mixed", "164+1319", "two of ten"],
)
def test_tasks_that_differ_in_opposite_directions_are_rarely_decided_the_wrong_way(tasks):
    # The true mean difference is 0 or below it, where flipped signs find it above in 15 to 50 % of the runs
    above, _ = wrong_decisions(tasks, 0.05)
    # 400 * 0.025 are allowed to be wrong; 18 or more of a binomial with that mean have a chance of 1 %
    assert above < 18


def test_far_tails_keep_their_level_too():
    # Wins of the large task are certain, losses of the small one few: normal bounds are wrong 7 times too often here
    above, below = wrong_decisions([(164, 0.05, 0.0), (1319, 0.0, 0.05)], 0.01, repeats=1500)
    assert above + below < 25


def test_the_power_is_about_that_of_flipped_signs():
    # Two of 500 samples, 7 % losses and 13 % wins each: a normal test of the sum decides 99 %
    above, below = wrong_decisions([(500, 0.07, 0.13), (500, 0.07, 0.13)], 0.05)
    assert above > 0.95 * 400
    assert below == 0


@pytest.mark.parametrize("shared", [False, True])
def test_p_is_the_level_at_which_the_interval_ends_at_0(shared):
    graded = np.random.default_rng(1).uniform(0, 1, (2, 60))
    parts = [
        WeightedTask(0.5, difference(80, 4, 15)),
        WeightedTask(0.3, difference(30, 3, 4)),
        WeightedTask(0.2, paired_difference(list(graded[1]), list(graded[0]))),
    ]
    p = mean_p_value(parts, shared=shared)
    assert 0.001 < p < 0.5
    low, high = mean_bounds(parts, shared=shared, alpha=p)
    assert low == pytest.approx(0, abs=1e-4)
    assert high > 0
    mirrored = [WeightedTask(part.weight, turned(part.seen)) for part in parts[:2]]
    assert mean_p_value(mirrored) == pytest.approx(mean_p_value(parts[:2]), rel=1e-3)


def turned(seen: PairedDifference) -> PairedDifference:
    """The same with the models swapped."""
    return difference(seen.n, seen.wins, seen.losses)


def test_one_task_with_wins_alone_is_exact_for_each_share():
    # Clopper and Pearson's distances, put together by hand: no correlation to speak of
    low, _ = mean_bounds([WeightedTask(1.0, difference(1000, 0, 20))])
    upward, lost = 0.02 - clopper_pearson(20, 1000)[0], clopper_pearson(0, 1000)[1]
    assert low == pytest.approx(0.02 - math.hypot(upward, lost), abs=2e-5)


def test_no_difference_is_no_evidence():
    assert mean_p_value([WeightedTask(1.0, difference(20, 0, 0))]) == 1
    assert mean_p_value([WeightedTask(0.5, difference(20, 3, 0)), WeightedTask(0.5, difference(20, 0, 3))]) == 1
    low, high = mean_bounds([WeightedTask(0.5, difference(5, 0, 0)), WeightedTask(0.5, difference(5, 0, 0))])
    assert -1 <= low < 0 < high <= 1
