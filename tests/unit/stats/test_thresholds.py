"""Scores of graded values and means of tasks against a threshold: false statements are as rare as promised."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from harness.stats.bounded_sum import weighted_mean_p_value
from harness.stats.thresholds import Bar, macro_test, mean_test


def test_a_mean_over_tasks_lies_between_them():
    parts = [([1.0] * right + [0.0] * (100 - right), [*range(100)]) for right in (90, 70)]
    seen = macro_test(parts, Bar(0.85))
    assert seen.value == pytest.approx(0.8)
    # All tasks alike vary the most: Chernoff's bound of 160 right answers of 200
    bound = math.exp(-200 * (0.8 * math.log(0.8 / 0.85) + 0.2 * math.log(0.2 / 0.15)))
    assert seen.test.p_against == pytest.approx(bound, rel=0.01) and seen.test.p_for == 1
    assert stats.binom.cdf(160, 200, 0.85) < bound
    at_ends = [macro_test(parts, Bar(end)).test for end in (seen.low, seen.high)]
    assert (at_ends[0].p_for, at_ends[1].p_against) == (pytest.approx(0.025, 1e-3), pytest.approx(0.025, 1e-3))
    again = macro_test([parts[0], parts[0]], Bar(0.8), shared=True)
    assert again.test.p_for == pytest.approx(macro_test([parts[0]], Bar(0.8)).test.p_for)


@pytest.mark.parametrize("sizes", [(4, 9), (12, 3, 1)])
@pytest.mark.parametrize("means", [(0.9, 0.7), (0.99, 0.61), (0.8, 0.8)])
def test_a_mean_over_small_tasks_is_shown_as_seldom_as_promised(sizes: tuple[int, ...], means: tuple[float, float]):
    """Enumerated: all counts of right answers of tasks whose mean is the bar."""
    truths = (*means, 0.8)[: len(sizes)]
    shown = 0.0
    for counts in product(*(range(size + 1) for size in sizes)):
        parts = [([1.0] * k + [0.0] * (n - k), [*range(n)]) for k, n in zip(counts, sizes, strict=True)]
        units = [(1 / (len(parts) * len(values)), x) for values, _ in parts for x in values]
        if weighted_mean_p_value([(w, 1 - x) for w, x in units], 0.2) <= 0.1:
            shown += math.prod(stats.binom.pmf(k, n, p) for k, n, p in zip(counts, sizes, truths, strict=True))
    assert shown <= 0.1


@pytest.mark.parametrize(
    ("values", "chances", "side"),
    [((0.9, 1, 0.2), (0.55, 0.42, 0.03), "for"), ((0, 0.1, 1), (0.7, 0.27, 0.03), "against")],
)
def test_a_few_graded_values_show_a_false_mean_as_seldom_as_promised(
    values: tuple[float, ...], chances: tuple[float, ...], side: str
):
    """Rare low or high values that a sample of 30 mostly lacks. The bar is the truth."""
    bar = Bar(float(np.dot(values, chances)))
    draws = np.random.default_rng(2).choice(values, (50, 30), p=chances)
    tests = [mean_test(draw.tolist(), None, bar).test for draw in draws]
    p_values = [test.p_for if side == "for" else test.p_against for test in tests]
    assert np.mean([p <= 0.05 for p in p_values]) <= 0.05


def test_the_interval_of_graded_values_leaves_out_what_their_test_refutes():
    values = [0.0, 0.5, 0.75, 1.0] * 10
    seen = mean_test(values, [i // 2 for i in range(40)], Bar(0.7))
    refuted = mean_test(values, [i // 2 for i in range(40)], Bar(seen.high)).test.p_against
    assert seen.low < seen.value < seen.high and refuted == pytest.approx(0.025, rel=1e-3)
    assert seen.method == "bets, clustered" and seen.test.needed is not None
