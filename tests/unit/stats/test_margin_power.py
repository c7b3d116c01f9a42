"""Sizes with a margin are planned by the test that is later applied, whose power is summed here by brute force."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from harness.stats.margin_power import margin_size, paired_margin_power
from harness.stats.margin_test import margin_p_value
from harness.stats.power import tost_size
from harness.stats.two_model_power import Discordance, Margins, discordance

ALPHA = 0.05


def brute(n: int, truth: Discordance, shown: Callable[[int, int], bool]) -> float:
    chances = stats.multinomial(n, [truth.first, truth.second, 1 - truth.total])
    counts = [(wins, losses) for wins in range(n + 1) for losses in range(n + 1 - wins)]
    likely = [(wins, losses, chances.pmf([wins, losses, n - wins - losses])) for wins, losses in counts]
    return float(sum(chance for wins, losses, chance in likely if chance > 1e-7 and shown(wins, losses)))


@pytest.mark.parametrize(
    ("n", "margins"),
    [(18, Margins(low=-0.1)), (16, Margins(high=0.4)), (18, Margins(-0.2, 0.4)), (9, Margins(-0.1, 0.1))],
)
def test_the_power_is_that_of_the_exact_test(n: int, margins: Margins):
    truth = Discordance(0.2, 0.12)

    def shown(wins: int, losses: int) -> bool:
        above = margins.low is None or margin_p_value(wins, losses, n, margins.low) <= ALPHA
        return above and (margins.high is None or margin_p_value(losses, wins, n, -margins.high) <= ALPHA)

    assert paired_margin_power(n, truth, margins) == pytest.approx(brute(n, truth, shown), abs=1e-4)


def test_simulated_runs_of_the_planned_size_show_it_in_four_of_five():
    """By the interval of Bonett and Price 104 samples were planned, with which the test shows it in 78 %."""
    truth, margins = discordance(0.95, 0.95, 0.7), Margins(low=-0.05)
    n = margin_size(truth, margins, 100)
    drawn = np.random.default_rng(3).multinomial(n, [truth.first, truth.second, 1 - truth.total], 2_000)
    pairs, times = np.unique(drawn[:, :2], axis=0, return_counts=True)
    shown = [margin_p_value(int(wins), int(losses), n, -0.05) <= ALPHA for wins, losses in pairs]
    assert np.dot(shown, times) / 2_000 > 0.8
    assert paired_margin_power(n - 1, truth, margins) < 0.8 and paired_margin_power(104, truth, margins) < 0.79


@pytest.mark.parametrize("truth", [Discordance(0.1, 0.1), Discordance(0.02, 0.02)])
def test_the_power_stays_from_the_size_on(truth: Discordance):
    margins = Margins(-0.1, 0.1)
    n = margin_size(truth, margins, tost_size(float(np.sqrt(truth.total)), 0.1, 0.0))
    assert paired_margin_power(n - 1, truth, margins) < 0.8
    assert min(paired_margin_power(more, truth, margins) for more in range(n, n + 6)) >= 0.8


def test_models_that_hardly_differ_need_as_many_as_the_test_can_show_at_all():
    """With no difference at all the least p-value of n samples is 0.95 ** n."""
    assert margin_size(Discordance(1e-6, 1e-6), Margins(low=-0.05), 20) == 59


def test_a_large_size_is_near_the_normal_one():
    truth = Discordance(0.1, 0.1)
    n = margin_size(truth, Margins(low=-0.03), 1374)
    assert n == pytest.approx((1.6449 + 0.8416) ** 2 * 0.2 / 0.03**2, rel=0.03)
    assert margin_size(truth, Margins(low=-0.001), 1e6) == 1_000_000
