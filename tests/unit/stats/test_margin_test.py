"""Relations with a margin between two models: false ones are shown as rarely as promised, by enumeration."""

from __future__ import annotations

import time

import pytest
from scipy import stats

from harness.stats.margin_power import critical
from harness.stats.margin_test import ROUNDING, margin_p_value, most_losses
from harness.stats.relations import Gap, paired_test


def pairs(wins: int, losses: int, n: int) -> tuple[list[float], list[float]]:
    same = n - wins - losses
    return [1.0] * (wins + same) + [0.0] * losses, [0.0] * wins + [1.0] * (losses + same)


@pytest.mark.parametrize(("n", "margin"), [(45, 0.05), (75, 0.05), (104, 0.05), (200, 0.05), (190, 0.02), (33, 0.1)])
def test_not_worse_by_the_margin_is_seldom_shown_where_it_is_false(n: int, margin: float):
    """The comparator alone solves exactly the margin's share; the interval of Bonett and Price gave up to .106."""
    shown = 0.0
    for losses in range(n):
        if paired_test(*pairs(0, losses, n), None, Gap(shift=-margin)).test.p_for > 0.05:
            break
        shown += float(stats.binom.pmf(losses, n, margin))
    assert shown <= 0.05


@pytest.mark.parametrize(("n", "wins"), [(60, 0.05), (30, 0.2)])
def test_nor_is_it_where_both_solve_some_alone(n: int, wins: float):
    margin, shown, lost = 0.1, 0.0, 0
    # More wins never allow fewer losses; more than 20 wins hardly ever come
    for won in range(21):
        while lost <= n - won and margin_p_value(won, lost, n, -margin) <= 0.05:
            lost += 1
        fewest = stats.binom.cdf(min(lost, n - won + 1) - 1, n - won, (wins + margin) / (1 - wins))
        shown += float(stats.binom.pmf(won, n, wins) * fewest)
    assert 0.02 < shown <= 0.05


@pytest.mark.parametrize(("n", "losing", "level"), [(300, 0.5226, 0.025), (500, 0.52107, 0.05)])
def test_nor_where_they_nearly_always_differ(n: int, losing: float, level: float):
    """The worst share is near its upper end; a grid that is dense at the lower one alone let .02614 and .05037 pass."""
    most = most_losses(critical(n, -0.05, level) - ROUNDING, n, -0.05)
    winning, shown = losing - 0.05, 0.0
    for wins, limit in enumerate(most.tolist()):
        if limit >= 0 and stats.binom.pmf(wins, n, winning) > 1e-12:
            share = stats.binom.cdf(limit, n - wins, losing / (1 - winning))
            shown += float(stats.binom.pmf(wins, n, winning) * share)
    assert 0.9 * level < shown <= level


def test_where_they_never_differ_59_samples_are_the_fewest_for_5_points():
    p = {n: margin_p_value(0, 0, n, -0.05) for n in (58, 59)}
    assert p[59] == pytest.approx(0.95**59) and p[59] <= 0.05 < p[58]


def test_models_that_never_differed_are_not_more_alike_than_can_be():
    found = paired_test(*pairs(0, 0, 200), None, Gap(margin=0.05, within=True)).test
    assert 0.95**200 <= found.p_for < 0.001
    assert found.p_against == 1.0


def test_the_two_directions_mirror_each_other():
    up = paired_test(*pairs(20, 3, 90), None, Gap(shift=0.1)).test
    down = paired_test(*pairs(3, 20, 90), None, Gap(upward=False, shift=-0.1)).test
    assert (up.p_for, up.p_against) == (down.p_for, down.p_against)


def test_a_large_benchmark_takes_a_moment():
    start = time.process_time()
    assert margin_p_value(130, 131, 1319, -0.05) < 1e-4
    assert time.process_time() - start < 0.3


@pytest.mark.parametrize("n", [40, 100])
def test_a_few_graded_differences_are_no_normal_sample(n: int):
    """Half a point is lost on a tenth of the samples, so that the mean difference is the margin; t gave .117."""
    shown = 0.0
    for lost in range(n):
        values = [0.5] * lost + [1.0] * (n - lost)
        if paired_test(values, [1.0] * n, None, Gap(shift=-0.05)).test.p_for > 0.05:
            break
        shown += float(stats.binom.pmf(lost, n, 0.1))
    assert shown <= 0.05


def test_whole_groups_are_the_units_of_a_margin():
    """A group of five in twenty is lost as a whole: 40 groups are 40 units, not 200."""
    shown = 0.0
    for lost in range(40):
        values = [0.0] * (5 * lost) + [1.0] * (5 * (40 - lost))
        test = paired_test(values, [1.0] * 200, [place // 5 for place in range(200)], Gap(shift=-0.05)).test
        if test.p_for > 0.05:
            break
        shown += float(stats.binom.pmf(lost, 40, 0.05))
    assert shown <= 0.05
    many = paired_test([1.0] * 2000, [1.0] * 2000, [place // 5 for place in range(2000)], Gap(shift=-0.05)).test
    assert many.p_for < 0.001 and many.needed == 1


def test_what_more_samples_settle_is_counted_by_the_exact_test():
    """Two that never differ: 59 samples show 5 points, 9 more than 50. The normal formula said 42 more."""
    assert paired_test(*pairs(0, 0, 50), None, Gap(shift=-0.05)).test.needed == 9
    assert paired_test(*pairs(0, 0, 50), None, Gap(margin=0.05, within=True)).test.needed == 9
