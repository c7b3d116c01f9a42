"""Sizes for two models against the power of the same tests by brute force over every outcome."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from harness.stats.paired import mcnemar
from harness.stats.relations import newcombe
from harness.stats.two_model_power import (
    Discordance,
    Margins,
    detectable_difference,
    discordance,
    mcnemar_power,
    mcnemar_size,
    unpaired_power,
)


def brute_paired(n: int, truth: Discordance, shown: Callable[[int, int], bool]) -> float:
    """The chance of `shown(wins, losses)` over all outcomes of n samples."""
    chances = [truth.first, truth.second, 1 - truth.first - truth.second]
    return math.fsum(
        float(stats.multinomial.pmf([wins, losses, n - wins - losses], n, chances))
        for wins, losses in itertools.product(range(n + 1), repeat=2)
        if wins + losses <= n and shown(wins, losses)
    )


@pytest.mark.parametrize(
    ("wins", "losses", "n", "needed"),
    [(45, 2, 80, 15), (46, 0, 80, 13), (2, 1, 5, 124), (80, 0, 80, 6), (0, 46, 80, 13)],
)
def test_samples_that_mcnemars_test_needs(wins: int, losses: int, n: int, needed: int) -> None:
    truth = Discordance(wins / n, losses / n)
    assert mcnemar_size(truth) == needed
    assert mcnemar_power(needed, truth) >= 0.8 > mcnemar_power(needed - 1, truth)


@pytest.mark.parametrize(
    ("n", "truth"),
    [(6, Discordance(1, 0)), (12, Discordance(0.55, 0.03)), (20, Discordance(0.2, 0.5)), (25, Discordance(0.7, 0.3))],
)
def test_power_of_mcnemars_test_by_brute_force(n: int, truth: Discordance) -> None:
    sign = 1 if truth.difference > 0 else -1
    expected = brute_paired(n, truth, lambda won, lost: sign * (won - lost) > 0 and mcnemar(won, lost) <= 0.05)
    assert mcnemar_power(n, truth) == pytest.approx(expected, abs=1e-9)
    one_sided = brute_paired(n, truth, lambda won, lost: sign * (won - lost) > 0 and mcnemar(won, lost) <= 0.1)
    assert mcnemar_power(n, truth, two_sided=False) == pytest.approx(one_sided, abs=1e-9)


@pytest.mark.parametrize(
    "truth", [Discordance(0.75, 0.25), Discordance(1, 0), Discordance(0.3, 0.1), Discordance(0.12, 0.02)]
)
def test_the_power_stays_from_the_size_on(truth: Discordance) -> None:
    size = mcnemar_size(truth)
    assert size is not None
    assert mcnemar_power(size - 1, truth) < 0.8
    assert min(mcnemar_power(n, truth) for n in range(size, 2 * size + 60)) >= 0.8


def test_simulated_runs_find_the_difference_as_often_as_promised() -> None:
    truth = discordance(0.9, 0.8, 0.5)
    size = mcnemar_size(truth, two_sided=False)
    assert size is not None
    drawn = np.random.default_rng(4).multinomial(size, [truth.first, truth.second, 1 - truth.total], 20_000)
    found = [won > lost and mcnemar(int(won), int(lost)) <= 0.1 for won, lost, _ in drawn]
    assert np.mean(found) == pytest.approx(0.8, abs=0.02)


def test_many_samples_are_planned_at_once_and_no_difference_not_at_all() -> None:
    assert mcnemar_size(Discordance(0.2, 0.2)) is None
    assert mcnemar_power(100, Discordance(0, 0)) == 0
    near, far = mcnemar_size(Discordance(0.051, 0.05)), mcnemar_size(Discordance(0.0501, 0.05))
    assert near is not None and far is not None
    assert near == pytest.approx(7.849 * 0.101 / 0.001**2, rel=0.01)
    assert far == pytest.approx(100 * near, rel=0.02)


def test_the_smallest_difference_that_a_number_of_samples_could_see() -> None:
    found = detectable_difference(80, 0.3)
    assert found is not None
    at, below = (Discordance((0.3 + d) / 2, (0.3 - d) / 2) for d in (found, found - 0.001))
    assert mcnemar_power(80, at) >= 0.8 > mcnemar_power(80, below)
    assert detectable_difference(5, 0.2) is None
    alone = detectable_difference(80, 0.0)
    assert alone is not None and stats.binom.sf(5, 80, alone) == pytest.approx(0.8, abs=1e-4)


def test_power_of_two_unpaired_sets_by_brute_force() -> None:
    n, rates = 15, (0.8, 0.4)
    chances = {
        (k, other): stats.binom.pmf(k, n, rates[0]) * stats.binom.pmf(other, n, rates[1])
        for k, other in itertools.product(range(n + 1), repeat=2)
    }

    def fisher(k: int, other: int) -> float:
        return float(stats.fisher_exact([[k, n - k], [other, n - other]], alternative="greater").pvalue)

    expected = math.fsum(chance for (k, other), chance in chances.items() if fisher(k, other) <= 0.05)
    assert unpaired_power(n, rates, None) == pytest.approx(expected, abs=1e-9)
    assert unpaired_power(n, rates[::-1], None) == pytest.approx(expected, abs=1e-9)
    above = math.fsum(c for (k, o), c in chances.items() if newcombe((k, n), (o, n), 0.9)[0] > 0.1)
    assert unpaired_power(n, rates, Margins(low=0.1)) == pytest.approx(above, abs=1e-9)


def test_a_correlation_that_cannot_be_is_the_largest_that_can() -> None:
    found = discordance(0.9, 0.5, 0.9)
    assert (found.first, found.second) == pytest.approx((0.4, 0.0))
    with pytest.raises(ValueError, match="impossible shares"):
        Discordance(0.8, 0.3)
