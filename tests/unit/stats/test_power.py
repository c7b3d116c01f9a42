"""Sample sizes against tabled figures, scipy's distributions by brute force, and simulated runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats import power as p

# claim, truth, smallest n, critical count, n from which the power stays, normal approximation; alpha .05, power .8
BINOMIAL = [
    (0.90, 0.85, 270, 234, 299, 253),
    (0.90, 0.80, 78, 65, 89, 69),
    (0.90, 0.75, 40, 32, 44, 33),
    (0.90, 0.70, 25, 19, 29, 20),
    (0.90, 0.60, 13, 9, 16, 10),
    (0.90, 0.50, 8, 5, 10, 6),
    (0.85, 0.80, 360, 294, 381, 342),
    (0.85, 0.75, 101, 79, 110, 91),
    (0.85, 0.70, 48, 36, 55, 43),
    (0.85, 0.60, 22, 15, 22, 16),
]


@pytest.mark.parametrize(("claim", "truth", "n", "critical", "stays", "normal"), BINOMIAL)
def test_samples_that_refute_nearly_90_percent(
    claim: float, truth: float, n: int, critical: int, stays: int, normal: int
) -> None:
    seen = p.refutation_size(claim, truth)
    assert (seen.n, seen.critical, seen.stays) == (n, critical, stays)
    assert math.ceil(p.normal_size(claim, truth)) == normal


def test_a_model_at_30_percent_takes_five() -> None:
    seen = p.refutation_size(0.9, 0.3)
    assert (seen.n, seen.critical) == (5, 2)


@pytest.mark.parametrize(("claim", "truth"), [(0.9, 0.8), (0.85, 0.6), (0.25, 0.1)])
def test_the_saw_tooth_is_that_of_scipys_binomial(claim: float, truth: float) -> None:
    seen = p.refutation_size(claim, truth)
    reached = []
    for n in range(1, seen.searched + 200):
        fits = np.flatnonzero(stats.binom.cdf(np.arange(n + 1), n, claim) <= 0.05)
        reached.append(bool(len(fits)) and stats.binom.cdf(fits[-1], n, truth) >= 0.8)
    assert reached.index(True) + 1 == seen.n
    assert len(reached) - reached[::-1].index(False) + 1 == seen.stays


FINITE = [
    (148, [(131, 53), (139, 95), (123, 30), (115, 21), (98, 13), (82, 8), (49, 4)]),
    (139, [(131, 117), (123, 64), (115, 39), (98, 18), (82, 10), (49, 5)]),
]


@pytest.mark.parametrize(("claimed", "sizes"), FINITE)
def test_items_that_refute_a_benchmarks_own_score(claimed: int, sizes: list[tuple[int, int]]) -> None:
    assert [p.finite_refutation_size(claimed, truth, 164).n for truth, _ in sizes] == [n for _, n in sizes]


def test_the_finite_test_is_scipys_hypergeometric_by_brute_force() -> None:
    seen = p.finite_refutation_size(148, 131, 164)
    assert (seen.n, seen.critical) == (53, 44)
    reached = []
    for n in range(1, 165):
        fits = np.flatnonzero(stats.hypergeom.cdf(np.arange(n + 1), 164, 148, n) <= 0.05)
        reached.append(bool(len(fits)) and stats.hypergeom.cdf(fits[-1], 164, 131, n) >= 0.8)
    assert reached.index(True) + 1 == seen.n
    assert 164 - reached[::-1].index(False) + 1 == seen.stays


def test_all_items_always_settle_a_benchmarks_score() -> None:
    assert p.finite_refutation_size(20, 19, 20).n <= 20
    assert p.finite_refutation_size(1000, 999, 1319).n > 1200


POWER = [
    (164, 0.90, 140, 0.0376, {0.85: 0.5856, 0.80: 0.9692, 0.75: 0.9996}),
    (164, 0.85, 131, 0.0460, {0.80: 0.5155, 0.75: 0.9402}),
    (30, 0.90, 23, 0.0258, {0.80: 0.3930, 0.70: 0.8405, 0.50: 0.9993}),
]


@pytest.mark.parametrize(("n", "claim", "critical", "size", "powers"), POWER)
def test_power_of_a_given_number(n: int, claim: float, critical: int, size: float, powers: dict[float, float]) -> None:
    for truth, expected in powers.items():
        seen = p.refutation_power(n, claim, truth)
        assert (seen.critical, seen.size, seen.power) == (
            critical,
            pytest.approx(size, abs=5.1e-5),
            pytest.approx(expected, abs=5.1e-5),
        )


def test_the_promised_power_is_seen_in_simulated_runs() -> None:
    plan = p.refutation_size(0.9, 0.8)
    generator = np.random.default_rng(1)
    assert np.mean(generator.binomial(plan.n, 0.8, 50_000) <= plan.critical) == pytest.approx(0.8, abs=0.02)
    assert np.mean(generator.binomial(plan.n, 0.9, 50_000) <= plan.critical) <= 0.05
    drawn = p.finite_refutation_size(148, 131, 164)
    assert np.mean(generator.hypergeometric(131, 33, drawn.n, 50_000) <= drawn.critical) >= 0.8 - 0.005
    assert np.mean(generator.hypergeometric(148, 16, drawn.n, 50_000) <= drawn.critical) <= 0.05


# Above chance (.25) of four options: truth, n at alpha .05, n at alpha .05 / 42 languages
ABOVE_CHANCE = [(0.40, 62, 144), (0.50, 26, 56), (0.60, 14, 28), (0.80, 6, 11), (0.35, 129, 314)]


@pytest.mark.parametrize(("truth", "alone", "of_42"), ABOVE_CHANCE)
def test_samples_that_show_more_than_chance(truth: float, alone: int, of_42: int) -> None:
    assert p.support_size(0.25, truth).n == alone
    seen = p.support_size(0.25, truth, alpha=0.05 / 42)
    assert seen.n == of_42
    assert stats.binom.sf(seen.critical - 1, seen.n, 0.25) <= 0.05 / 42
    assert stats.binom.sf(seen.critical - 1, seen.n, truth) >= 0.8


def test_support_mirrors_refutation() -> None:
    seen = p.support_power(50, 0.6, 0.8)
    assert seen.size == pytest.approx(stats.binom.sf(seen.critical - 1, 50, 0.6), rel=1e-9)
    assert seen.power == pytest.approx(stats.binom.sf(seen.critical - 1, 50, 0.8), rel=1e-9)
    assert p.finite_support_size(10, 20, 20).n <= 20
    assert p.refutation_power(3, 0.5, 0.4) == p.ExactPower(3, -1, 0.0, 0.0)
    assert p.support_power(3, 0.5, 0.6).critical == 4


TWO_MODELS = [
    (0.90, 0.80, 196, 140, 102, 64),
    (0.90, 0.85, 683, 481, 347, 212),
    (0.85, 0.80, 903, 634, 454, 275),
    (0.826, 0.805, 5352, 3748, 2679, 1609),
    (0.826, 0.817, 28414, 19892, 14210, 8528),
]


@pytest.mark.parametrize(("first", "second", "unpaired", "rho3", "rho5", "rho7"), TWO_MODELS)
def test_samples_for_two_models(first: float, second: float, unpaired: int, rho3: int, rho5: int, rho7: int) -> None:
    found = [
        round(p.difference_size(first - second, p.paired_spread(first, second, rho))) for rho in (0, 0.3, 0.5, 0.7)
    ]
    assert found == [unpaired, rho3, rho5, rho7]


# margin, then n for equal scores of 0.85 whose answers are correlated at 0, 0.5 and 0.7
EQUIVALENCE = [(0.02, 5459, 2730, 1638), (0.03, 2426, 1213, 728), (0.05, 874, 437, 262), (0.10, 218, 109, 66)]


@pytest.mark.parametrize(("margin", "rho0", "rho5", "rho7"), EQUIVALENCE)
def test_samples_that_show_equivalence(margin: float, rho0: int, rho5: int, rho7: int) -> None:
    found = [round(p.tost_size(p.paired_spread(0.85, 0.85, rho), margin)) for rho in (0, 0.5, 0.7)]
    assert found == [rho0, rho5, rho7]


@pytest.mark.parametrize("true", [0.0, 0.02])
def test_a_size_for_equivalence_has_its_power(true: float) -> None:
    n = p.tost_size(0.4, 0.05, true)
    assert p.tost_power(n, 0.4, 0.05, true) == pytest.approx(0.8, abs=1e-9)
    seen = np.random.default_rng(1).normal(true, 0.4 / math.sqrt(n), 40_000)
    half = stats.norm.ppf(0.95) * 0.4 / math.sqrt(n)
    assert np.mean((seen - half > -0.05) & (seen + half < 0.05)) == pytest.approx(0.8, abs=0.01)


def test_effect_and_size_are_two_sides_of_one_formula() -> None:
    spread = p.paired_spread(0.9, 0.8, 0.5)
    assert p.detectable_effect(p.difference_size(0.1, spread), spread) == pytest.approx(0.1)
    seen = np.random.default_rng(2).normal(0.1, spread / math.sqrt(102), 50_000) / (spread / math.sqrt(102))
    assert np.mean(np.abs(seen) >= stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.01)


def test_what_no_sample_can_show_is_refused() -> None:
    for call in (
        lambda: p.refutation_size(0.8, 0.9),
        lambda: p.refutation_size(1.0, 0.9),
        lambda: p.refutation_size(0.9, 0.8999),
        lambda: p.finite_refutation_size(5, 5, 10),
        lambda: p.difference_size(0, 0.5),
        lambda: p.tost_size(0.4, 0.05, 0.05),
        lambda: p.refutation_power(0, 0.9, 0.8),
    ):
        with pytest.raises(ValueError):
            call()
