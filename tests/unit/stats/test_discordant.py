"""Wins and losses looked at after every sample: error rates by exact sums over all walks, and where it ends."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from harness.stats.coin_walk import boundary, crossing, evidence, levels_for
from harness.stats.discordant import FINAL, LeadTest, least_at_end, levels_of


@pytest.mark.parametrize("steps", [10, 60, 200])
def test_the_chance_to_reach_a_level_is_that_of_all_sequences(steps: int):
    """Ten steps: all 1,024 sequences one by one. More: the level found has the error rate, and no smaller one."""
    level = levels_for([0.05], steps)[0.05]
    chance = float(crossing([level], steps).chance[0])
    assert chance <= 0.05 < float(crossing([level - 0.3], steps).chance[0])
    if steps == 10:
        reached = 0
        for sequence in itertools.product((0, 1), repeat=steps):
            wins = list(itertools.accumulate(sequence))
            reached += any(evidence(won, step) >= level for step, won in enumerate(wins, 1))
        assert chance == pytest.approx(reached / 2**steps)


def test_the_evidence_is_an_e_value_of_a_fair_coin():
    """Its mean over all numbers of wins is 1, after any number of steps."""
    for steps in (1, 7, 40, 300):
        wins = np.arange(steps + 1)
        logs = np.array([evidence(int(one), steps) for one in wins])
        assert float((binom.pmf(wins, steps, 0.5) * np.exp(logs)).sum()) == pytest.approx(1)


def test_a_coin_that_favours_losses_reaches_a_level_less_often():
    level = levels_for([0.05], 100)[0.05]
    chances = [float(crossing([level], 100, wins).chance[0]) for wins in (0.3, 0.45, 0.5, 0.6)]
    assert chances == sorted(chances) and chances[2] <= 0.05 < chances[3]


def test_the_end_of_a_walk_that_was_never_decided_is_a_binomial():
    at_end = crossing([math.log(1e12)], 50).at_end[0]
    assert at_end[15:36] == pytest.approx(binom.pmf(np.arange(15, 36), 50, 0.5))


def test_with_the_end_all_of_alpha_is_spent_and_no_more():
    """For every number of discordant samples that 300 samples may have: reached before, or enough at the end."""
    level = levels_of([0.05], 300).of_alpha[0.05]
    for decided in (1, 5, 8, 20, 77, 150, 300):
        least = least_at_end(0.05, level, decided)
        walk = crossing([level], decided)
        spent = float(walk.chance[0] + walk.at_end[0][least:].sum())
        assert spent <= 0.05
        if decided > 100:
            assert spent > 0.045
            # No worse than McNemar's exact test at the share of alpha that is kept
            assert least <= binom.isf(FINAL * 0.05, decided, 0.5) + 1


def test_peeking_at_every_sample_and_at_the_end_errs_no_more_often_than_alpha():
    """A third of the samples discordant, wins as likely as losses: the walk and the end as they are fed."""
    draw = np.random.default_rng(8)
    levels = levels_of([0.05], 150)
    wrong = 0
    for _ in range(200):
        test = LeadTest(levels)
        for one in draw.choice((1, -1, 0), 150, p=(1 / 6, 1 / 6, 2 / 3)):
            test.feed(int(one))
        test.finish()
        wrong += test.test.p_for <= 0.05
    assert wrong / 200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 200)


def test_mcnemar_looked_at_after_every_sample_would_err_far_more_often():
    """Its boundary on the same walk, summed as exactly: the levels are no formality."""
    at, wrong = {0: 1.0}, 0.0
    for step in range(1, 101):
        moved: dict[int, float] = {}
        for wins, chance in at.items():
            for more in (0, 1):
                moved[wins + more] = moved.get(wins + more, 0.0) + chance / 2
        over = {wins for wins in moved if binom.sf(wins - 1, step, 0.5) <= 0.05}
        wrong += sum(moved[wins] for wins in over)
        at = {wins: chance for wins, chance in moved.items() if wins not in over}
    assert wrong > 0.15


def test_p_values_of_several_alphas_are_nested():
    alphas = [0.05, 0.025, 0.05 / 3]
    levels = levels_of(alphas, 400)
    assert [levels.of_alpha[alpha] for alpha in alphas] == sorted(levels.of_alpha.values())
    test, seen = LeadTest(levels), []
    for _ in range(12):
        test.feed(1)
        seen.append(test.test.p_for)
    assert seen == sorted(seen, reverse=True)
    assert {round(p, 6) for p in seen} >= {0.05, 0.025}
    assert test.test.p_against == 1


def test_it_ends_soon_after_a_test_that_knows_how_often_each_model_wins():
    """Wins 20 %, losses 8 % of 600 samples: the expected number of discordant samples at the stop, summed exactly."""
    level = levels_of([0.05], 600).of_alpha[0.05]
    assert level < math.log(20)
    ends = boundary([level], 600)[0]
    at, expected, share = {0: 1.0}, 0.0, 20 / 28
    for step in range(1, 169):
        moved: dict[int, float] = {}
        for wins, chance in at.items():
            moved[wins] = moved.get(wins, 0.0) + chance * (1 - share)
            moved[wins + 1] = moved.get(wins + 1, 0.0) + chance * share
        expected += sum(chance for wins, chance in moved.items() if wins >= ends[step - 1]) * step
        at = {wins: chance for wins, chance in moved.items() if wins < ends[step - 1]}
    # Wald's approximation of the expected number of his sequential test with both errors 5 %
    wald = 0.9 * math.log(19) / (share * math.log(2 * share) + (1 - share) * math.log(2 * (1 - share)))
    assert sum(at.values()) < 0.001
    assert expected < 1.5 * wald


def test_what_cannot_be_fed_is_refused():
    levels = levels_of([0.05], 2)
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        LeadTest(levels).feed(0.5)
    with pytest.raises(ValueError, match="error rates"):
        levels_of([1.5], 10)
    with pytest.raises(KeyError):
        LeadTest(levels).level(0.01, "refuted")
    test = LeadTest(levels)
    test.feed(1)
    test.feed(0)
    with pytest.raises(ValueError, match="fed already"):
        test.feed(1)
