"""Accuracy of the most confident answers against all orders of ties, and the area against its definition."""

from __future__ import annotations

from itertools import permutations
from statistics import fmean

import numpy as np
import pytest

from harness.stats.selective import risk_coverage_area, risk_coverage_curve, selective_accuracy


def by_orders(confidences: list[float], values: list[float], kept: int) -> float:
    """The mean over every order of the answers, a stable sort deciding ties."""
    found = []
    for order in permutations(range(len(values))):
        ranked = sorted(order, key=lambda place: -confidences[place])
        found.append(fmean(values[place] for place in ranked[:kept]))
    return fmean(found)


CONFIDENCES, VALUES = [0.9, 0.8, 0.8, 0.8, 0.5, 0.5], [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(("coverage", "kept"), [(0.01, 1), (0.5, 3), (0.6, 4), (0.8, 5), (1.0, 6)])
def test_equal_confidences_are_averaged_over_all_their_orders(coverage: float, kept: int) -> None:
    expected = by_orders(CONFIDENCES, VALUES, kept)
    assert selective_accuracy(CONFIDENCES, VALUES, range(6), coverage).value == pytest.approx(expected, abs=1e-12)
    assert risk_coverage_curve(CONFIDENCES, VALUES, [coverage]) == pytest.approx([expected], abs=1e-12)


def test_the_area_is_the_mean_risk_over_all_coverages() -> None:
    expected = fmean(1 - by_orders(CONFIDENCES, VALUES, kept) for kept in range(1, 7))
    assert risk_coverage_area(CONFIDENCES, VALUES, range(6)).value == pytest.approx(expected, abs=1e-12)


def test_a_constant_confidence_has_the_error_rate_of_all_answers() -> None:
    values = [1.0] * 30 + [0.0] * 10
    assert risk_coverage_area([0.9] * 40, values, range(40)).value == pytest.approx(0.25)
    assert selective_accuracy([0.9] * 40, values, range(40), 0.5).value == pytest.approx(0.75)


def test_the_interval_at_full_coverage_is_about_that_of_the_mean() -> None:
    """The jackknife of a mean is its standard error: sqrt(p q / (n - 1))."""
    values = [1.0] * 75 + [0.0] * 25
    found = selective_accuracy(list(np.linspace(1, 0.2, 100)), values, range(100), 1.0)
    assert found.value == 0.75 and found.stderr == pytest.approx((0.75 * 0.25 / 99) ** 0.5)
    assert (found.low, found.high) == (pytest.approx(0.656, abs=0.003), pytest.approx(0.826, abs=0.003))


def test_intervals_contain_the_truth_in_19_of_20_cases() -> None:
    """Confidences uniform on [.4, 1], right as often as they say: the best half is right .85 of the time."""
    random = np.random.default_rng(8)
    missed = 0
    for _ in range(40):
        confidences = random.uniform(0.4, 1, 100)
        values = (random.random(100) < confidences).astype(float)
        found = selective_accuracy(confidences.tolist(), values.tolist(), range(100), 0.5)
        missed += not found.low <= 0.85 <= found.high
    assert missed <= 6


def test_no_interval_is_a_point_and_none_leaves_the_scale() -> None:
    for values in ([1.0] * 12, [0.0] * 12):
        found = selective_accuracy([0.9] * 12, values, range(12), 0.5)
        assert 0 <= found.low < found.high <= 1 and found.low <= found.value <= found.high
        area = risk_coverage_area([0.9] * 12, values, range(12))
        assert 0 <= area.low < area.high <= 1


def test_a_large_benchmark_is_done_in_groups_and_the_order_of_records_does_not_matter() -> None:
    random = np.random.default_rng(9)
    confidences, values = random.uniform(0, 1, 3000), (random.random(3000) < 0.7).astype(float)
    names = [f"s{place}" for place in range(3000)]
    found = selective_accuracy(confidences.tolist(), values.tolist(), names, 0.8)
    order = random.permutation(3000)
    again = selective_accuracy(
        confidences[order].tolist(), values[order].tolist(), [names[place] for place in order], 0.8
    )
    assert found.value == pytest.approx(again.value) and found.stderr == pytest.approx(again.stderr)
    assert found.stderr == pytest.approx((0.7 * 0.3 / 2400) ** 0.5, rel=0.15)


@pytest.mark.parametrize("coverage", [0.0, 1.1])
def test_an_impossible_coverage_is_refused(coverage: float) -> None:
    with pytest.raises(ValueError, match="coverage must be above 0"):
        selective_accuracy([0.5], [1.0], ["a"], coverage)
