"""Paired comparisons against tabled figures, scipy, brute force, and simulated models whose truth is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from harness.stats.intervals import clustered_standard_error
from harness.stats.paired import (
    mcnemar,
    paired_difference,
    paired_p_value,
    sign_flip,
)

MCNEMAR = [
    (5, 0, 0.06250),
    (6, 0, 0.03125),
    (5, 1, 0.21875),
    (8, 2, 0.10938),
    (10, 2, 0.03857),
    (12, 5, 0.14346),
    (15, 5, 0.04139),
    (20, 10, 0.09874),
]


@pytest.mark.parametrize(("wins", "losses", "exact"), MCNEMAR)
def test_mcnemar_is_the_tabled_one(wins: int, losses: int, exact: float) -> None:
    assert mcnemar(wins, losses) == mcnemar(losses, wins) == pytest.approx(exact, abs=5.1e-6)


def test_mcnemar_is_scipys_binomial_test() -> None:
    for wins, losses in itertools.product(range(12), repeat=2):
        expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
        assert mcnemar(wins, losses) == pytest.approx(expected, rel=1e-12)
    assert mcnemar(0, 0) == 1


def test_fewer_than_six_discordant_samples_can_show_nothing() -> None:
    assert min(mcnemar(n, 0) for n in range(6)) > 0.05 > mcnemar(6, 0)


# 35 both right, 5 only the first, 3 only the second, 7 none
FIRST = [1] * 40 + [0] * 10
SECOND = [1] * 35 + [0] * 5 + [1] * 3 + [0] * 7


def test_the_example_of_fifty_samples() -> None:
    seen = paired_difference(FIRST, SECOND)
    assert (seen.difference, seen.wins, seen.losses) == (pytest.approx(0.04), 5, 3)
    assert seen.stderr == pytest.approx(0.056856, abs=5.1e-7)
    p, test = paired_p_value(FIRST, SECOND)
    assert (p, test) == (pytest.approx(0.726563, abs=5.1e-7), "mcnemar")
    assert seen.low < 0 < seen.high


def test_swapping_the_models_mirrors_everything() -> None:
    one, other = paired_difference(FIRST, SECOND), paired_difference(SECOND, FIRST)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert (one.wins, one.losses) == (other.losses, other.wins)


def test_a_model_against_itself_differs_by_nothing_but_not_for_certain() -> None:
    for n, clusters in ((3, None), (100, None), (100, [i // 2 for i in range(100)])):
        values = [i % 2 for i in range(n)]
        seen = paired_difference(values, values, clusters)
        assert seen.difference == 0
        assert seen.low < 0 < seen.high
        assert paired_p_value(values, values, clusters)[0] == 1
    assert paired_difference([1] * 100, [1] * 100).high < 0.03
    assert paired_difference([1] * 3, [1] * 3).high > 0.5


def test_the_standard_error_of_clusters_is_millers() -> None:
    values = [1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0]
    clusters = [i // 3 for i in range(12)]
    assert clustered_standard_error(values, clusters) == pytest.approx(0.216506, abs=5.1e-7)
    seen = paired_difference(values, [0] * 12, clusters)
    assert seen.stderr == pytest.approx(0.216506, abs=5.1e-7)
    assert (seen.method, seen.units, seen.n) == ("clustered", 4, 12)
    assert paired_p_value(values, [0] * 12, clusters)[1] == "sign_flip"


def test_sign_flips_of_ones_are_mcnemar() -> None:
    for wins, losses in ((5, 0), (8, 2), (12, 5), (15, 5)):
        assert sign_flip([1] * wins + [-1] * losses + [0] * 9) == pytest.approx(mcnemar(wins, losses), rel=1e-9)


def test_sign_flips_of_graded_scores_are_scipys_permutation_test() -> None:
    differences = [0.25, -0.5, 0.75, 0.1, 0.0, 0.3, -0.05, 0.6]
    expected = stats.permutation_test(
        (np.array(differences), np.zeros(8)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    assert sign_flip(differences) == pytest.approx(expected, rel=1e-9)


def test_sign_flips_keep_clusters_together() -> None:
    differences, clusters = [1, 1, 1, 1, 1, 1, -1, 1], [0, 0, 1, 1, 2, 2, 3, 3]
    sums = [2, 2, 2, 0]
    totals = [
        abs(sum(s * x for s, x in zip(signs, sums, strict=True))) for signs in itertools.product((1, -1), repeat=4)
    ]
    assert sign_flip(differences, clusters) == np.mean(np.array(totals) >= 6) == 0.25
    assert sign_flip(differences) < 0.1


def test_drawn_sign_flips_agree_with_the_exact_test_and_repeat_themselves() -> None:
    differences = [1] * 20 + [-1] * 10
    assert sign_flip(differences, seed=1) == pytest.approx(mcnemar(20, 10), abs=0.01)
    assert sign_flip(differences, seed=1) == sign_flip(differences, seed=1)


def test_draws_that_end_early_give_about_the_same_p() -> None:
    differences = list(np.random.default_rng(4).normal(0.01, 0.2, 1000))
    early, late = sign_flip(differences, enough=400), sign_flip(differences)
    assert early != late
    assert early == pytest.approx(late, rel=0.2)
    small = [1] * 34 + [-1] * 12
    assert sign_flip(small, enough=400) == sign_flip(small) < 0.01


def test_a_p_that_is_too_small_for_draws_is_bounded_from_above() -> None:
    assert sign_flip([1] * 40) == pytest.approx(mcnemar(40, 0), rel=1e-3)
    for wins, losses in ((60, 10), (150, 60), (900, 700)):
        exact = mcnemar(wins, losses)
        assert exact < sign_flip([0.5] * wins + [-0.5] * losses) < 20 * exact


@pytest.mark.parametrize(("n", "first", "second"), [(20, 0.9, 0.8), (60, 0.7, 0.6), (164, 0.95, 0.93)])
def test_intervals_of_right_and_wrong_cover_the_true_difference(n: int, first: float, second: float) -> None:
    generator = np.random.default_rng(n)
    # Samples are easy or hard for both: correlated, as real models are
    hard = generator.uniform(-0.5, 0.5, (2000, n)) * min(0.1, 1 - first, 1 - second) * 2
    held = 0
    for row in hard:
        values = (generator.random(n) < first + row).astype(int).tolist()
        baseline = (generator.random(n) < second + row).astype(int).tolist()
        seen = paired_difference(values, baseline)
        held += seen.low <= first - second <= seen.high
    assert 0.94 <= held / 2000 <= 0.995


def test_intervals_of_clustered_graded_scores_cover_the_true_difference() -> None:
    generator = np.random.default_rng(8)
    held = 0
    for _ in range(1000):
        shift = np.repeat(generator.uniform(-0.2, 0.3, 25), 4)
        baseline = generator.uniform(0.2, 0.6, 100)
        seen = paired_difference((baseline + shift).tolist(), baseline.tolist(), [i // 4 for i in range(100)])
        held += seen.low <= 0.05 <= seen.high
    assert 0.93 <= held / 1000 <= 0.98


def test_a_model_against_itself_is_found_different_as_rarely_as_promised() -> None:
    """Two samplings of one model: p is uniform or larger, for right-or-wrong and for graded scores."""
    generator = np.random.default_rng(9)
    chances = generator.beta(2, 1, (1500, 60))
    graded = []
    right = []
    for row in chances:
        answers = generator.random((2, 4, 60)) < row
        right.append(paired_p_value(*answers[:, 0].astype(int).tolist())[0])
        graded.append(sign_flip((answers[0].mean(axis=0) - answers[1].mean(axis=0)).tolist(), draws=400))
    for level in (0.01, 0.05, 0.1, 0.3):
        noise = 3 * math.sqrt(level * (1 - level) / 1500)
        assert np.mean(np.array(right) <= level) <= level + noise
        assert np.mean(np.array(graded) <= level) == pytest.approx(level, abs=noise + 0.004)


def test_what_cannot_be_paired_is_refused() -> None:
    for values, baseline, clusters in (([], [], None), ([1], [1, 0], None), ([1, 0], [1, 0], ["a"]), ([2], [1], None)):
        with pytest.raises(ValueError, match="values"):
            paired_difference(values, baseline, clusters)
    with pytest.raises(ValueError, match="finite"):
        sign_flip([math.nan])
