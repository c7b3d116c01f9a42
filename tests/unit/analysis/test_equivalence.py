"""Likeness: tabled sizes, duality with the interval, and simulated models that are and are not alike."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.equivalence import (
    matches,
    non_inferiority,
    non_inferiority_size,
    not_worse,
    tost,
    tost_power,
    tost_size,
)
from harness.stats.paired import paired_difference
from harness.stats.power import paired_spread

SIZES = [(0.02, 5459, 2730, 1638), (0.03, 2426, 1213, 728), (0.05, 874, 437, 262), (0.10, 218, 109, 66)]


@pytest.mark.parametrize(("margin", "apart", "half", "close"), SIZES)
def test_samples_that_show_a_match(margin: float, apart: int, half: int, close: int) -> None:
    found = [round(tost_size(paired_spread(0.85, 0.85, rho), margin)) for rho in (0, 0.5, 0.7)]
    assert found == [apart, half, close]


def test_a_small_difference_with_a_wide_error_is_no_match() -> None:
    assert tost(0.01, 0.03, 0.05) == tost(-0.01, 0.03, 0.05) == pytest.approx(0.091, abs=5e-4)
    assert non_inferiority(0.01, 0.03, 0.05) == pytest.approx(0.0228, abs=1e-4)


def test_sizes_reach_their_power() -> None:
    for true in (0.0, 0.02):
        n = tost_size(0.4, 0.05, true)
        assert tost_power(n, 0.4, 0.05, true) == pytest.approx(0.8, abs=1e-9)
    seen = np.random.default_rng(1).normal(0.0, 0.4 / np.sqrt(non_inferiority_size(0.4, 0.05)), 40_000)
    error = 0.4 / np.sqrt(non_inferiority_size(0.4, 0.05))
    assert np.mean([non_inferiority(d, error, 0.05) <= 0.05 for d in seen]) == pytest.approx(0.8, abs=0.01)


def test_a_match_is_the_interval_within_the_margin() -> None:
    values, baseline = [1] * 150 + [0] * 50, [1] * 146 + [0] * 4 + [1] * 3 + [0] * 47
    seen, interval = matches(values, baseline, 0.05), paired_difference(values, baseline, confidence=0.9)
    assert (seen.low, seen.high) == (interval.low, interval.high)
    assert seen.shown == (seen.p <= 0.05) == (interval.low > -0.05 and interval.high < 0.05)
    at_p = paired_difference(values, baseline, confidence=1 - 2 * seen.p)
    assert max(abs(at_p.low), at_p.high) == pytest.approx(0.05, abs=1e-6)


def test_three_equal_answers_are_no_match() -> None:
    assert not matches([1, 0, 1], [1, 0, 1], 0.05).shown
    assert not not_worse([1, 0, 1], [1, 0, 1], 0.05).shown
    assert matches([1, 0] * 200, [1, 0] * 200, 0.05).shown


def test_what_is_as_far_off_as_the_margin_is_called_a_match_as_rarely_as_promised() -> None:
    generator = np.random.default_rng(4)
    called = alike = 0
    for _ in range(250):
        easy = generator.random(300) < 0.8
        base = easy & (generator.random(300) < 0.95)
        # Loses 10 points: exactly the margin
        worse = base & (generator.random(300) >= 0.1 / 0.76)
        same = np.where(generator.random(300) < 0.02, ~base, base)
        called += matches(worse.astype(int).tolist(), base.astype(int).tolist(), 0.1).shown
        alike += matches(same.astype(int).tolist(), base.astype(int).tolist(), 0.1).shown
    assert called / 250 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250)
    assert alike / 250 > 0.95


def test_what_cannot_be_shown_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shown"):
        tost_size(0.4, 0.05, 0.05)
    with pytest.raises(ValueError, match="cannot be shown"):
        non_inferiority_size(0.4, 0.05, -0.06)
    with pytest.raises(ValueError, match="positive"):
        tost(0.0, 0.0, 0.05)
    with pytest.raises(ValueError, match="margin above 0"):
        matches([1], [1], 0.0)
