"""The paired drop against published figures, exact tests of scipy, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from harness.stats.paired_drop import difference_of_drops, drop, kolmogorov_smirnov


def discordant(n: int, only_original: int, only_changed: int, both: int) -> tuple[list[float], list[list[float]]]:
    """Originals and one variant each, with so many that only one side has right."""
    originals = [1.0] * (both + only_original) + [0.0] * (n - both - only_original)
    variants = [1.0] * both + [0.0] * only_original + [1.0] * only_changed
    return originals, [[value] for value in variants + [0.0] * (n - len(variants))]


@pytest.mark.parametrize(
    ("only_original", "only_changed", "original", "changed", "p"),
    [
        # Recorded answers of Abel (GAIR-NLP/abel) on GSM8K and its gsm8k_robust, 7b, 13b and 70b
        (137, 117, 0.597, 0.582, 0.233),
        (123, 125, 0.664, 0.666, 0.949),
        (84, 60, 0.836, 0.818, 0.055),
    ],
)
def test_published_figures_of_changed_numbers_come_out(only_original, only_changed, original, changed, p):
    n = 1319
    own, variants = discordant(n, only_original, only_changed, round(original * n) - only_original)
    seen = drop(own, variants, range(n))
    assert seen.difference == pytest.approx((only_original - only_changed) / n)
    assert sum(own) / n == pytest.approx(original, abs=6e-4)
    assert sum(own) / n - seen.difference == pytest.approx(changed, abs=6e-4)
    assert seen.p == pytest.approx(p, abs=6e-4) and seen.test == "mcnemar"
    assert seen.p == pytest.approx(stats.binomtest(only_original, only_original + only_changed).pvalue)
    assert seen.low < seen.difference < seen.high


def test_each_original_counts_once_whatever_its_variants():
    seen = drop([1.0, 0.0], [[1.0, 0.0, 0.0, 0.0], [0.0]], ["x", "y"])
    assert seen.difference == pytest.approx((0.75 + 0) / 2)


def test_stories_told_for_many_originals_widen_the_interval():
    rng = np.random.default_rng(1)
    stories = [f"s{i % 8}" for i in range(400)]
    hard = {f"s{i}": i < 4 for i in range(8)}
    originals = rng.integers(0, 2, 400).astype(float).tolist()
    variants = [[float(hard[name])] for name in stories]
    alone = drop(originals, variants, range(400))
    shared = drop(originals, variants, range(400), [[name] for name in stories])
    assert shared.difference == alone.difference
    assert shared.high - shared.low > 3 * (alone.high - alone.low) and shared.units == 8


def test_one_story_says_nothing_about_others():
    seen = drop([1.0, 0.0, 1.0], [[0.0], [0.0], [0.0]], range(3), [["s"], ["s"], ["s"]])
    assert (seen.low, seen.high, seen.p) == (-1.0, 1.0, 1.0)


def test_without_an_effect_one_in_twenty_is_significant_also_where_stories_differ():
    """Simulation: 12 stories of different difficulty, originals as hard in mean; an upper bound of the error rate."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(300):
        ease = rng.normal(0, 0.15, 12) + 0.5
        names = rng.integers(0, 12, (120, 2))
        variants = (rng.random((120, 2)) < ease[names]).astype(float)
        originals = (rng.random(120) < 0.5).astype(float)
        seen = drop(originals.tolist(), variants.tolist(), range(120), names.tolist())
        wrong += seen.p <= 0.05
    # Binomial: 300 trials at 5 % give more than 27 in one case of a hundred thousand
    assert wrong <= 27


def test_the_difference_of_two_models_drops():
    rng = np.random.default_rng(3)
    first = rng.choice([-1.0, 0.0, 1.0], 200, p=[0.1, 0.5, 0.4])
    second = rng.choice([-1.0, 0.0, 1.0], 200, p=[0.25, 0.5, 0.25])
    seen = difference_of_drops(first.tolist(), second.tolist(), range(200))
    mean, error = float(np.mean(first - second)), float(stats.sem(first - second))
    assert seen.difference == pytest.approx(mean)
    assert (seen.low, seen.high) == pytest.approx((mean - 1.97 * error, mean + 1.97 * error), abs=0.01)
    assert seen.p < 0.01


def test_the_distance_of_sizes_is_that_of_scipy():
    rng = np.random.default_rng(5)
    for shift in (0, 3, 30):
        first, second = rng.integers(1, 60, 80).tolist(), (rng.integers(1, 60, 50) + shift).tolist()
        assert kolmogorov_smirnov(first, second) == pytest.approx(stats.ks_2samp(first, second).statistic)


def test_originals_without_variants_are_refused():
    with pytest.raises(ValueError, match="one variant at least"):
        drop([1.0], [[]], ["x"])
