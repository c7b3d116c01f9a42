"""Where a test of two models is said to stop, against where it stops."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from harness.stats.bets_stop import Within, bets_stop
from harness.stats.paired_stop import walk_stop, walks_of_pairs
from harness.stats.relations import Gap
from harness.stats.sequential_paired import PairedTest, Pairs, pair_levels
from harness.stats.two_model_power import Discordance


def median_stop(gap: Gap, pairs: Pairs, truth: Discordance, runs: int) -> float:
    draw = np.random.default_rng(77)
    levels, used = pair_levels(gap, pairs, [0.05]), []
    won, lost = round(truth.first * pairs.size), round(truth.second * pairs.size)
    items = np.repeat([1, -1, 0], [won, lost, pairs.size - won - lost])
    for _ in range(runs):
        test = PairedTest(gap, pairs, levels, strict=True)
        order = draw.permutation(items) if pairs.of_items else draw.choice(items, pairs.size)
        for one in order.tolist():
            test.feed([max(one, 0)], [max(-one, 0)])
            if min(test.test.p_for, test.test.p_against) <= 0.05:
                break
        used.append(test.n)
    return statistics.median(used)


@pytest.mark.parametrize(("win", "loss"), [(0.25, 0.10), (0.12, 0.30)])
def test_the_stop_without_a_margin_is_predicted_within_a_fifth(win: float, loss: float):
    pairs, truth = Pairs(300), Discordance(win, loss)
    levels = pair_levels(Gap(), pairs, [0.05])
    assert levels is not None
    predicted = walk_stop(levels, 0.05, truth)
    assert predicted.half == pytest.approx(median_stop(Gap(), pairs, truth, 41), rel=0.2)
    assert predicted.half < predicted.most < 300


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gap", "pairs", "statement"),
    [
        (Gap(), Pairs(300, of_items=True), Within(low=0.0)),
        (Gap(shift=-0.05), Pairs(400), Within(low=-0.05)),
        (Gap(margin=0.2, within=True), Pairs(400), Within(-0.2, 0.2)),
    ],
)
def test_the_stop_of_bets_is_predicted_within_a_fifth(gap: Gap, pairs: Pairs, statement: Within):
    truth = Discordance(0.22, 0.10)
    walks = walks_of_pairs(truth, pairs.size, of_items=pairs.of_items)
    assert bets_stop(walks, statement, 0.05, 0.05).half == pytest.approx(median_stop(gap, pairs, truth, 61), rel=0.2)


def test_models_that_never_differ_use_all_samples():
    levels = pair_levels(Gap(), Pairs(50), [0.05])
    assert levels is not None
    assert walk_stop(levels, 0.05, Discordance(0, 0)).half == 50
