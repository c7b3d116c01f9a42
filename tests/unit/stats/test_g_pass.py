"""G-Pass@k against counting in every subset, scipy's hypergeometric distribution and the paper's own sums."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import pytest
from scipy.stats import binom, hypergeom

from harness.stats.g_pass import g_pass_at_k, mg_pass_at_k, needed_of
from harness.stats.pass_at_k import pass_at_k


@pytest.mark.parametrize(("n", "c", "k"), [(6, 0, 3), (6, 2, 3), (6, 4, 4), (7, 7, 5), (5, 1, 5)])
def test_it_is_the_share_of_subsets_with_enough_right_answers(n: int, c: int, k: int) -> None:
    subsets = [sum(chosen) for chosen in combinations([1] * c + [0] * (n - c), k)]
    for least in range(1, k + 1):
        share = sum(right >= least for right in subsets) / len(subsets)
        assert g_pass_at_k(n, c, k, least) == pytest.approx(share, abs=1e-15)


def test_it_is_the_upper_tail_of_the_hypergeometric_distribution() -> None:
    for c in range(0, 49, 3):
        for least in (1, 4, 8, 16):
            expected = hypergeom(48, c, 16).sf(least - 1)
            assert g_pass_at_k(48, c, 16, least) == pytest.approx(expected, abs=1e-12)


def test_one_right_answer_is_pass_at_k() -> None:
    assert all(g_pass_at_k(20, c, 5, 1) == pytest.approx(pass_at_k(20, c, 5)) for c in range(21))


def test_its_mean_over_models_is_the_binomial_tail() -> None:
    """Unbiased: what a model of skill p reaches in k new answers, whatever n was."""
    n, k, p = 12, 4, 0.6
    mean = math.fsum(binom(n, p).pmf(c) * g_pass_at_k(n, c, k, 3) for c in range(n + 1))
    assert mean == pytest.approx(binom(k, p).sf(2), abs=1e-12)


def test_shares_are_exact() -> None:
    """As floats 0.7 * 10 and 0.28 * 25 are above 7."""
    assert math.ceil(0.28 * 25) == 8
    assert needed_of(10, Fraction("0.7")) == needed_of(25, Fraction("0.28")) == 7
    assert [needed_of(8, Fraction(share)) for share in ("0", "0.25", "0.5", "0.75", "1.0")] == [1, 2, 4, 6, 8]


@pytest.mark.parametrize("k", [2, 4, 16])
def test_the_mean_over_shares_is_the_sum_of_the_paper_for_even_k(k: int) -> None:
    """2/k * sum of G-Pass@k at i/k for i from ceil(k/2) + 1 to k."""
    for c in (0, 5, 11, 16):
        published = 2 / k * math.fsum(hypergeom(16, c, k).sf(i - 1) for i in range(math.ceil(k / 2) + 1, k + 1))
        assert mg_pass_at_k(16, c, k) == pytest.approx(published, abs=1e-12)


def test_the_mean_over_shares_is_the_integral_for_odd_k_too() -> None:
    """On a fine grid of shares; a model that is always right has 1 at every k."""
    n, c, k = 9, 6, 5
    grid = [0.5 + (place + 0.5) / 20000 for place in range(10000)]
    mean = math.fsum(g_pass_at_k(n, c, k, math.ceil(share * k)) for share in grid) / len(grid)
    assert mg_pass_at_k(n, c, k) == pytest.approx(mean, abs=1e-9)
    assert [mg_pass_at_k(9, 9, k) for k in range(1, 10)] == [1.0] * 9
    assert mg_pass_at_k(9, 4, 1) == pytest.approx(4 / 9)


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="k must lie between 1 and n=3"):
        g_pass_at_k(3, 1, 4, 1)
    with pytest.raises(ValueError, match="right answers needed"):
        g_pass_at_k(3, 1, 2, 3)
    with pytest.raises(ValueError, match="c \\(right answers\\)"):
        mg_pass_at_k(3, 4, 2)
    with pytest.raises(ValueError, match="share must lie"):
        needed_of(3, Fraction("1.5"))
