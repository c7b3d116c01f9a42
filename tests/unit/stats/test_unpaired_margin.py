"""Two unpaired shares with a margin, and paired ratios: false statements are shown as rarely as promised."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from harness.stats.relations import Gap, newcombe, paired_test, unpaired_test
from harness.stats.unpaired_margin import unpaired_margin_p_value, unpaired_margin_p_value_below

ALPHA = 0.05


@pytest.mark.parametrize(("n", "shift", "times"), [(12, -0.1, 1.0), (14, 0.0, 2.0)])
def test_a_false_difference_is_shown_in_at_most_alpha(n: int, shift: float, times: float):
    """All counts, on a grid of shares at the edge."""
    counts = np.arange(n + 1)
    small = [[unpaired_margin_p_value((k, n), (o, n), shift, times) <= ALPHA for o in counts.tolist()] for k in counts]
    errors = []
    for share in np.linspace(max(0.0, -shift), min(1.0, (1 - shift) / times), 41):
        chances = stats.binom.pmf(counts, n, times * share + shift)[:, None] * stats.binom.pmf(counts, n, share)
        errors.append(float(chances[np.array(small)].sum()))
    assert 0.01 < max(errors) <= ALPHA


def test_the_interval_of_newcombe_shows_it_too_often():
    n, shift = 60, -0.05
    counts = np.arange(n + 1)
    shown = np.array([[newcombe((k, n), (o, n), 0.9)[0] > shift for o in counts.tolist()] for k in counts.tolist()])
    chances = stats.binom.pmf(counts, n, 0.0)[:, None] * stats.binom.pmf(counts, n, 0.05)
    worst = max(
        float((stats.binom.pmf(counts, n, p + shift)[:, None] * stats.binom.pmf(counts, n, p))[shown].sum())
        for p in np.linspace(0.05, 1, 60)
    )
    assert worst > 0.055 and chances.sum() == pytest.approx(1)


def test_without_a_margin_it_is_barnards_test_with_pooled_variance():
    """Written out: the largest chance, over 999 common shares, of a pooled z as large as seen."""
    k, other = np.meshgrid(np.arange(21), np.arange(21), indexing="ij")
    pooled = (k + other) / 40
    z = (k - other) / 20 / np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) / 10)
    larger = z >= z[15, 7] - 1e-9
    laws = [stats.binom.pmf(np.arange(21), 20, share) for share in np.linspace(0.001, 0.999, 999)]
    expected = max(float(np.outer(law, law)[larger].sum()) for law in laws)
    assert unpaired_margin_p_value((15, 20), (7, 20)) == pytest.approx(expected, rel=1e-4)


def test_both_directions_are_of_one_test():
    up = unpaired_margin_p_value((30, 40), (20, 45), 0.1)
    # Wrong answers in place of right ones, and the models exchanged
    assert unpaired_margin_p_value((25, 45), (10, 40), 0.1) == pytest.approx(up, rel=1e-6)
    assert unpaired_margin_p_value_below((20, 45), (30, 40), -0.1) == pytest.approx(up, rel=1e-6)


@pytest.mark.parametrize(("times", "rate", "upward"), [(2.0, 0.02, True), (0.5, 0.05, False)])
def test_a_false_ratio_is_shown_in_at_most_alpha(times: float, rate: float, upward: bool):
    """Independent answers to 50 samples, the ratio exactly the claimed one: Wilson's form showed it in up to .13."""
    n, subject = 50, times * rate
    both = subject * rate
    cells = [both, subject - both, rate - both, 1 - subject - rate + both]
    law, shown, left = stats.multinomial(n, cells), 0.0, 1.0
    for one, mine, theirs in itertools.product(range(3), range(9), range(9)):
        chance = float(law.pmf([one, mine, theirs, n - one - mine - theirs]))
        left -= chance
        if chance < 1e-5:
            continue
        values = [1.0] * (one + mine) + [0.0] * (n - one - mine)
        other = [1.0] * one + [0.0] * mine + [1.0] * theirs + [0.0] * (n - one - mine - theirs)
        if paired_test(values, other, None, Gap(upward, times=times)).test.p_for <= ALPHA:
            shown += chance
    assert left < 0.01 and shown + left <= ALPHA


def test_a_true_ratio_is_shown():
    values, other = [1.0] * 120 + [0.0] * 80, [1.0] * 30 + [0.0] * 170
    assert paired_test(values, other, None, Gap(times=2.0)).test.p_for < 0.001
    assert paired_test(values, other, None, Gap(times=10.0)).test.p_against < 0.001


def test_what_cannot_be_is_refused_and_what_must_be_is_certain():
    with pytest.raises(ValueError, match="impossible"):
        unpaired_margin_p_value((5, 4), (1, 4))
    assert unpaired_margin_p_value((1, 4), (4, 4), -1.0) < 1e-9 and unpaired_margin_p_value((4, 4), (0, 4), 1.0) == 1


def test_two_published_shares_are_decided_by_it():
    first, second = (47, 60), (42, 60)
    assert newcombe(first, second, 0.9)[0] > -0.05
    found = unpaired_test(first, second, Gap(shift=-0.05)).test
    assert found.p_for == unpaired_margin_p_value(first, second, -0.05) > ALPHA
    assert unpaired_test(second, first, Gap(upward=False, shift=0.05)).test.p_for == pytest.approx(
        found.p_for, rel=1e-6
    )
