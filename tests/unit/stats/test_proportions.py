"""Proportions against scipy.stats, tabled figures, brute force and exact coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats import proportions as p

# right, n, then Clopper-Pearson at 95 %, four digits
TABLE = [
    (9, 10, 0.5550, 0.9975),
    (27, 30, 0.7347, 0.9789),
    (45, 50, 0.7819, 0.9667),
    (148, 164, 0.8464, 0.9432),
    (131, 164, 0.7292, 0.8573),
    (0, 20, 0.0, 0.1684),
    (20, 20, 0.8316, 1.0),
    (442, 500, 0.8526, 0.9107),
]
HALF = 5.1e-5


@pytest.mark.parametrize(("k", "n", "low", "high"), TABLE)
def test_intervals_are_the_tabled_ones(k: int, n: int, low: float, high: float) -> None:
    assert p.clopper_pearson(k, n) == pytest.approx((low, high), abs=HALF)


@pytest.mark.parametrize(("k", "low", "high"), [(9, 0.147, 0.494), (12, 0.227, 0.594), (24, 0.614, 0.923)])
def test_thirty_problems_say_little(k: int, low: float, high: float) -> None:
    assert p.clopper_pearson(k, 30) == pytest.approx((low, high), abs=5.1e-4)


def test_rule_of_three() -> None:
    assert p.clopper_pearson_upper(0, 30) == pytest.approx(1 - 0.05 ** (1 / 30), abs=1e-12)
    assert p.clopper_pearson_upper(0, 30) == pytest.approx(0.0950, abs=HALF)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 2000), st.data())
def test_clopper_pearson_is_scipys(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    expected = stats.binomtest(k, n).proportion_ci(method="exact")
    assert p.clopper_pearson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-10)


@pytest.mark.parametrize("n", [5, 30, 164])
def test_clopper_pearson_covers_every_true_value(n: int) -> None:
    truths = np.linspace(0.0005, 0.9995, 1000)
    chances = stats.binom.pmf(np.arange(n + 1)[:, None], n, truths)
    exact = np.array([p.clopper_pearson(k, n) for k in range(n + 1)])

    covered = (exact[:, :1] <= truths) & (truths <= exact[:, 1:])
    assert (chances * covered).sum(axis=0).min() >= 0.95


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 1000), st.floats(0.01, 0.99), st.data())
def test_binomial_p_values_are_scipys(n: int, p0: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    for tail in ("less", "greater"):
        expected = stats.binomtest(k, n, p0, alternative=tail).pvalue
        assert p.binomial_p_value(k, n, p0, tail) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_the_base_models_score_refutes_nearly_90_percent() -> None:
    assert p.binomial_p_value(126, 164, 0.9, "less") == pytest.approx(7.0e-7, abs=0.05e-7)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), st.data())
def test_hypergeometric_p_values_are_scipys(size: int, data: st.DataObject) -> None:
    right, n = data.draw(st.integers(0, size)), data.draw(st.integers(1, size))
    k = data.draw(st.integers(max(0, n - (size - right)), min(n, right)))
    law = stats.hypergeom(size, right, n)
    assert p.hypergeometric_p_value((k, n), right, size, "less") == pytest.approx(law.cdf(k), rel=1e-8)
    assert p.hypergeometric_p_value((k, n), right, size, "greater") == pytest.approx(law.sf(k - 1), rel=1e-8)


def test_what_cannot_be_drawn_has_no_chance() -> None:
    # 8 of 10 are right: of 5 items at least 3 are
    assert p.hypergeometric_p_value((2, 5), 8, 10, "less") == 0
    assert p.hypergeometric_p_value((5, 5), 4, 10, "greater") == 0


def test_the_count_that_a_share_needs() -> None:
    assert p.least_right(0.9, 164) == 148
    assert p.least_right(0.85, 164) == 140
    assert p.least_right(0.85, 20) == 17
    assert p.least_right(0.07, 100) == 7
    assert p.least_right(1.0, 164) == 164
    assert p.least_right(0.0, 164) == 0


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_refused(k: int, n: int) -> None:
    for call in (p.clopper_pearson, lambda k, n: p.binomial_p_value(k, n, 0.5, "less")):
        with pytest.raises(ValueError, match="right of n"):
            call(k, n)
    assert not math.isnan(p.clopper_pearson(0, 1)[1])


@pytest.mark.parametrize(("size", "n"), [(12, 5), (80, 40), (30, 1)])
def test_the_interval_of_exactly_these_items_misses_in_at_most_5_percent(size: int, n: int):
    for right in range(size + 1):
        counts = np.arange(max(0, n - (size - right)), min(n, right) + 1)
        chances = stats.hypergeom.pmf(counts, size, right, n)
        held = [low <= right / size <= high for low, high in (p.finite_interval(int(k), n, size) for k in counts)]
        assert chances[~np.array(held)].sum() <= 0.05
    low, high = p.finite_interval(n // 2, n, size)
    wide = p.clopper_pearson(n // 2, n)
    assert wide[0] <= low <= high <= wide[1]
