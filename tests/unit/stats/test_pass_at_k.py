"""pass@k against enumeration, against the binomial law, and against published values."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.pass_at_k import pass_at_k


@pytest.mark.parametrize(
    ("n", "c", "k", "value"),
    [
        (10, 3, 5, 0.916667),
        (20, 4, 10, 0.956656),
        (200, 10, 10, 0.408548),
        (200, 10, 100, 0.999229),
        (4, 2, 2, 0.833333),
        (10, 8, 5, 1.0),
        (5, 0, 5, 0.0),
        (164, 82, 1, 0.5),
    ],
)
def test_values_worked_out_elsewhere(n: int, c: int, k: int, value: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(value, abs=5e-7)


@settings(deadline=None)
@given(st.data())
def test_it_is_the_share_of_subsets_with_a_right_answer(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 9))
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets), abs=1e-15)


@settings(deadline=None)
@given(st.integers(1, 30), st.floats(0, 1), st.data())
def test_its_mean_over_binomial_draws_is_the_true_chance(n: int, p: float, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n))
    mean = math.fsum(math.comb(n, c) * p**c * (1 - p) ** (n - c) * pass_at_k(n, c, k) for c in range(n + 1))
    assert mean == pytest.approx(1 - (1 - p) ** k, abs=1e-12)


def test_a_tiny_chance_among_very_many_answers_keeps_its_digits() -> None:
    assert pass_at_k(10_000, 1, 3) == pytest.approx(3e-4, rel=1e-15)


@pytest.mark.parametrize(("n", "c", "k"), [(5, 1, 6), (5, 6, 1), (5, -1, 1), (5, 1, 0), (0, 0, 1)])
def test_what_cannot_be_is_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="must lie between"):
        pass_at_k(n, c, k)
