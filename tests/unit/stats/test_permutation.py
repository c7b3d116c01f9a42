"""Permutation tests: exact against full enumeration, uniform where nothing is there, sure where something is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.stats.permutation import lag_test, neighbour_test, sign_flip_greater


def _path(matrix: np.ndarray, order: tuple[int, ...]) -> float:
    """The sum over neighbours of a matrix whose row and column means off the diagonal are taken away."""
    size = len(matrix)
    others = [[matrix[i][j] for j in range(size) if j != i] for i in range(size)]
    columns = [[matrix[i][j] for i in range(size) if i != j] for j in range(size)]
    return sum(
        matrix[a][b] - float(np.mean(others[a])) - float(np.mean(columns[b])) for a, b in itertools.pairwise(order)
    )


def test_the_p_value_of_one_block_is_the_share_of_all_its_orders() -> None:
    matrix = np.random.default_rng(3).normal(size=(5, 5)) + np.eye(5, k=1)
    every = [_path(matrix, order) for order in itertools.permutations(range(5))]
    expected = np.mean([value >= every[0] - 1e-9 for value in every])
    found = neighbour_test([matrix], seed=1, draws=100_000)
    assert found.p_value == pytest.approx(expected, abs=0.006)
    assert found.gain == pytest.approx((every[0] - np.mean(every)) / 4)
    assert found.spread == pytest.approx(np.std(every) / 4)


def test_scores_that_know_no_order_give_uniform_p_values() -> None:
    rng = np.random.default_rng(11)
    # Rows and columns have means of their own, as likely texts have: they must not count
    seen = [
        neighbour_test(
            [rng.normal(size=(6, 6)) + rng.normal(size=6)[:, None] * 5 + rng.normal(size=6) * 5 for _ in range(4)],
            seed=number,
            draws=499,
        ).p_value
        for number in range(200)
    ]
    assert stats.kstest(seen, "uniform").pvalue > 0.01
    assert np.mean(np.array(seen) <= 0.05) <= 0.09


def test_a_gain_between_neighbours_is_found_and_measured() -> None:
    rng = np.random.default_rng(5)
    found = neighbour_test([rng.normal(size=(8, 8)) + 2 * np.eye(8, k=1) for _ in range(12)], seed=0)
    assert found.p_value == pytest.approx(1e-5)
    # What a random order has of the gain is taken away: one pair in eight is a published one
    assert found.gain == pytest.approx(2 * 7 / 8, abs=0.5)
    assert found.pairs == 12 * 7
    assert found.least_gain == pytest.approx((stats.norm.ppf(0.95) + stats.norm.ppf(0.8)) * found.spread)


@pytest.mark.parametrize("blocks", [[], [np.zeros((9, 9))], [np.zeros((1, 1))]])
def test_blocks_that_cannot_be_tested_are_refused(blocks: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="block"):
        neighbour_test(blocks, seed=0)


@pytest.mark.parametrize("wins", [0, 3, 9, 14])
def test_differences_of_one_are_the_exact_binomial_test(wins: int) -> None:
    differences = [1] * wins + [-1] * (14 - wins) + [0] * 5
    assert sign_flip_greater(differences) == pytest.approx(stats.binomtest(wins, 14, alternative="greater").pvalue)


def test_differences_of_any_size_are_enumerated() -> None:
    differences = [3, -1, 2, 2, 0, -2, 1, 3]
    sums = [
        sum(sign * abs(value) for sign, value in zip(signs, differences, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(differences))
    ]
    assert sign_flip_greater(differences) == pytest.approx(np.mean([one >= sum(differences) for one in sums]))
    assert sign_flip_greater([0, 0]) == 1.0


def test_an_order_is_refused_when_neighbours_are_alike_and_else_one_time_in_twenty() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=60)
    assert lag_test([rng.normal(size=60), np.sort(values)], [], seed=0).p_value < 0.01
    assert lag_test([rng.normal(size=60), np.sort(values)], [], seed=0).feature == 1
    groups = np.repeat(np.arange(12), 5)
    found = lag_test([rng.normal(size=60)], [(groups[:, None] == groups[None, :]).astype(float)], seed=0)
    assert found.p_value < 0.01
    assert found.feature == 1
    random = [
        lag_test([rng.normal(size=40), rng.normal(size=40)], [], seed=number, draws=199).p_value
        for number in range(200)
    ]
    assert np.mean(np.array(random) <= 0.05) <= 0.09
