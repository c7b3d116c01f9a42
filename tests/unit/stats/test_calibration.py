"""Calibration error against sums by hand and numpy, and its interval against simulated models of known calibration."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from harness.stats.calibration import calibration_error, equal_mass, equal_width, reliability
from harness.stats.intervals import mean_interval


def error(confidences: np.ndarray, values: np.ndarray, bins: int = 15, *, debias: bool = False):
    stated = [float(one) for one in confidences]
    return calibration_error(
        stated, [float(v) for v in values], equal_width(stated, bins), range(len(stated)), debias=debias
    )


def test_bins_have_their_upper_edge_and_rounding_moves_none() -> None:
    """0.7 * 10 is above 7 as a float."""
    assert equal_width([0.0, 0.1, 0.7, 0.70001, 1.0], 10) == [0, 0, 6, 7, 9]
    assert equal_width([k / 15 for k in range(1, 16)], 15) == list(range(15))


def test_equal_confidences_share_a_bin_whatever_their_order() -> None:
    assert equal_mass([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3) == [0, 0, 1, 1, 2, 2]
    assert equal_mass([0.9, 0.8, 0.9, 0.9, 0.9, 0.2], 3) == [2, 0, 2, 2, 2, 0]
    places = equal_mass([0.9] * 40 + [0.5] * 20, 15)
    assert len(set(places[:40])) == len(set(places[40:])) == 1


def test_it_is_the_weighted_mean_distance_over_bins() -> None:
    """Against a loop over the edges of the bins, as Guo et al. write it."""
    random = np.random.default_rng(3)
    confidences, values = random.uniform(0, 1, 500), random.integers(0, 2, 500)
    expected = 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (confidences > low) & (confidences <= high)
        expected += inside.mean() * abs(confidences[inside].mean() - values[inside].mean())
    assert error(confidences, values).value == pytest.approx(expected, abs=1e-12)


def test_it_is_what_another_implementation_gives() -> None:
    """Figures of the package uncertainty-calibration 0.1.4 (plugin_ce and normal_debiased_ce, power 1) and sklearn."""
    confidences = [(37 * k % 151 + 0.5) / 151 for k in range(1, 151)]
    chances = [101 * (0.15 + 0.7 * own) for own in confidences]
    values = [float((k * k * 17 + 3 * k) % 101 < chance) for k, chance in enumerate(chances, 1)]
    width, mass = equal_width(confidences), equal_mass(confidences)
    found = calibration_error(confidences, values, width, range(150))
    assert found.value == pytest.approx(0.1686534216335541, abs=1e-12)
    by_mass = calibration_error(confidences, values, mass, range(150))
    assert by_mass.value == pytest.approx(0.16944812362030906, abs=1e-12)
    # Its standard errors leave out how confidences vary within a bin
    debiased = calibration_error(confidences, values, width, range(150), debias=True)
    assert debiased.value == pytest.approx(0.1348, abs=0.005)
    squares = [(own - value) ** 2 for own, value in zip(confidences, values, strict=True)]
    assert sum(squares) / 150 == pytest.approx(0.23771515869187027, abs=1e-12)


def test_the_points_of_a_diagram_are_the_bins() -> None:
    found = reliability([0.9, 0.9, 0.4, 1.0], [1, 0, 0, 1], equal_width([0.9, 0.9, 0.4, 1.0], 10))
    assert [(one.n, one.confidence, one.right) for one in found] == [(1, 0.4, 0), (2, 0.9, 0.5), (1, 1.0, 1)]
    assert all(one.low <= one.right <= one.high and one.low < one.high for one in found)


@pytest.mark.parametrize(("shift", "n", "seed"), [(0.0, 60, 1), (0.0, 400, 2), (0.2, 60, 3), (0.2, 400, 4)])
def test_the_interval_has_the_calibration_of_the_model(shift: float, n: int, seed: int) -> None:
    """A model whose chance to be right is its confidence - shift has an error of shift; misses are at most 5 %."""
    random = np.random.default_rng(seed)
    missed, plain, debiased = 0, [], []
    for _ in range(60):
        confidences = random.uniform(0.3, 1, n)
        values = random.random(n) < confidences - shift
        found = error(confidences, values)
        missed += not (found.low or 0.0) - 1e-12 <= shift <= (found.high or 0.0)
        plain.append(found.value)
        corrected = error(confidences, values, debias=True)
        debiased.append(corrected.value)
        assert found.low <= corrected.value <= found.value <= found.high
    # 8 of 60 have probability below .01 at a rate of 5 %
    assert missed <= 7
    assert abs(np.mean(debiased) - shift) < abs(np.mean(plain) - shift) + 0.005


def test_a_few_answers_that_are_all_right_prove_no_calibration() -> None:
    found = calibration_error([1.0] * 8, [1.0] * 8, [14] * 8, range(8))
    assert found.value == found.low == 0.0 and found.high > 0.15


def test_answers_of_one_group_count_as_what_they_vary_with() -> None:
    random = np.random.default_rng(5)
    groups = np.repeat(np.arange(30), 10)
    confidences = np.full(300, 0.9)
    values = np.repeat(random.random(30) < 0.6, 10)
    stated, right = confidences.tolist(), values.astype(float).tolist()
    clustered = calibration_error(stated, right, equal_width(stated), groups.tolist())
    apart = calibration_error(stated, right, equal_width(stated), range(300))
    assert clustered.value == apart.value
    assert clustered.high - clustered.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize(("stated", "n"), [(1.0, 12), (0.99, 30), (0.9, 30), (0.5, 30), (1.0, 100)])
def test_one_confidence_for_all_answers_has_an_interval_that_misses_at_most_5_percent(stated: float, n: int) -> None:
    """By enumeration of all counts of right answers, at each of many true shares; scipy's binomial distribution."""
    found = [error(np.full(n, stated), np.arange(n) < right) for right in range(n + 1)]
    low, high = (np.array([getattr(each, side) for each in found]) for side in ("low", "high"))
    for share in np.linspace(0.005, 0.995, 199):
        truth = abs(stated - share)
        missed = (low > truth + 1e-12) | (high < truth - 1e-12)
        assert scipy.stats.binom.pmf(np.arange(n + 1), n, share) @ missed <= 0.05


def test_confidences_that_vary_within_one_bin_do_not_count_as_known() -> None:
    """0.52 or 1, half and half, of two bins both in the upper: the mean confidence varies with the sample."""
    random, truth, missed = np.random.default_rng(7), abs(0.5 * (0.52 + 1) - 0.99), 0
    for _ in range(200):
        stated = np.where(random.random(100) < 0.5, 0.52, 1.0)
        places = equal_width(stated.tolist(), 2)
        assert set(places) == {1}
        values = (random.random(100) < 0.99).astype(float)
        found = calibration_error(stated.tolist(), values.tolist(), places, range(100))
        missed += not (found.low or 0.0) <= truth <= (found.high or 0.0)
    # 19 of 200 have probability below .01 at a rate of 5 %; as known it missed 40 %
    assert missed <= 18


def test_one_confidence_with_several_tries_of_each_sample_has_the_interval_of_a_score() -> None:
    groups, right = np.repeat(np.arange(20), 5), np.repeat(np.arange(20) < 14, 5).astype(float)
    found = calibration_error([0.9] * 100, right.tolist(), [13] * 100, groups.tolist())
    score = mean_interval(right.tolist(), groups.tolist())
    assert (found.low, found.high) == (pytest.approx(0.9 - score.high), pytest.approx(0.9 - score.low))
