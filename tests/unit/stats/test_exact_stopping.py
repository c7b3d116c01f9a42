"""Exact stopping: error rates by walks over all outcomes, written apart from the recursion that is tested."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats as scipy_stats

from harness.stats.exact_interval import Levels, items_interval, stopping_interval
from harness.stats.exact_stopping import Items, Rule, Share, boundary, items_rule, skill_rule, stops

Chance = Callable[[int, int], float]


def ends(rule: Rule, chance: Chance) -> dict[str, float]:
    """The probability of each verdict over all ways that the answers can fall, looking after each of them."""
    alive, ended = {(0, 0): 1.0}, {"refuted": 0.0, "supported": 0.0, "open": 0.0}
    for n in range(1, rule.looks + 1):
        after: dict[tuple[int, int], float] = {}
        for (right, wrong), weight in alive.items():
            p = chance(right, wrong)
            for state, share in (((right + 1, wrong), p), ((right, wrong + 1), 1 - p)):
                if share > 0:
                    after[state] = after.get(state, 0.0) + weight * share
        alive = {}
        for (right, wrong), weight in after.items():
            word = rule.word(n, right)
            if word == "open":
                alive[right, wrong] = weight
            else:
                ended[word] += weight
    ended["open"] = sum(alive.values())
    return ended


@pytest.mark.parametrize("looks", [1, 7, 60, 164])
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.85, 0.99])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_a_skill_is_judged_wrongly_at_most_alpha_of_the_time_though_one_looks_every_time(looks, threshold, alpha):
    rule = skill_rule(threshold, looks, alpha, alpha)
    for truth in (threshold, min(0.999, threshold + 0.05)):
        assert ends(rule, lambda right, wrong, truth=truth: truth)["refuted"] <= alpha
    for truth in (threshold, threshold - 0.05):
        assert ends(rule, lambda right, wrong, truth=truth: truth)["supported"] <= alpha


@pytest.mark.parametrize(("needed", "size"), [(1, 1), (1, 9), (9, 9), (8, 12), (34, 40), (60, 90)])
def test_a_benchmarks_own_score_is_judged_wrongly_at_most_alpha_of_the_time_and_never_left_open(needed, size):
    rule = items_rule(needed, size, size, 0.05, 0.05)
    for solved in range(size + 1):
        seen = ends(rule, lambda right, wrong, solved=solved: (solved - right) / (size - right - wrong))
        assert seen["refuted" if solved >= needed else "supported"] <= 0.05
        assert seen["open"] == pytest.approx(0, abs=1e-12)


def test_almost_all_of_alpha_is_used_where_villes_bound_leaves_half_of_it():
    assert 0.0498 < boundary(Share(0.7), 1319, 0.05).spent <= 0.05
    assert 0.0495 < boundary(Items(700, 1000), 1000, 0.05).spent <= 0.05


def test_one_look_is_the_exact_binomial_test():
    for n, p in ((20, 0.7), (1, 0.02), (100, 0.9)):
        most = boundary(Share(p), n, 0.05)
        alone = [right for right in range(n + 1) if scipy_stats.binom.cdf(right, n, p) <= 0.05]
        # Later looks share alpha, so none is laxer than a test of that n alone
        assert most.most[n] <= max(alone, default=-1)
        assert most.p_value(1, 0) == pytest.approx(1 - p)


def test_items_left_that_cannot_change_the_result_end_the_test():
    rule = items_rule(17, 20, 20, 0.05, 0.05)
    for n in range(1, 21):
        for right in range(n + 1):
            if right + 20 - n < 17:
                assert rule.word(n, right) == "refuted"
            if right >= 17:
                assert rule.word(n, right) == "supported"


def test_the_stop_is_predicted_as_simulated():
    rule, draw = skill_rule(0.7, 300, 0.05, 0.05), np.random.default_rng(0)
    low, high = np.array(rule.refuting.most), np.arange(301) - np.array(rule.supporting.most)
    found = stops(rule, Share(0.6))
    rights = np.cumsum(draw.random((4000, 300)) < 0.6, axis=1)
    ended = (rights <= low[1:]) | (rights >= high[1:])
    n = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, 300)
    assert found.mean == pytest.approx(n.mean(), rel=0.03)
    assert found.quantile(0.5) == pytest.approx(np.median(n), rel=0.06)
    assert found.quantile(0.8) == pytest.approx(np.quantile(n, 0.8), rel=0.06)
    assert sum(found.refuted) + sum(found.supported) + found.open == pytest.approx(1)


def test_a_set_far_from_the_bar_takes_few_and_the_whole_of_mmlu_is_within_reach():
    rule = skill_rule(0.7, 14_042, 0.05, 0.05)
    assert stops(rule, Share(0.4)).mean < 30
    assert stops(rule, Share(0.69)).quantile(0.5) < 14_042


@pytest.mark.parametrize("size", [None, 8])
def test_the_interval_at_any_stop_misses_the_truth_no_more_often_than_it_says(size):
    """Exact: all paths of so many answers; at each of them a stop after every sample."""
    looks, levels = size or 6, Levels(0.05, 0.05)
    truths = [0.08, 0.33, 0.5, 0.77] if size is None else [solved / size for solved in range(1, size, 2)]
    missed = dict.fromkeys(truths, 0.0)
    known: dict[tuple[int, ...], tuple[float, float]] = {}
    for answers in itertools.product((0, 1), repeat=looks):
        counts = tuple(itertools.accumulate(answers))
        for truth in truths:
            if size is None:
                chance = truth ** counts[-1] * (1 - truth) ** (looks - counts[-1])
            else:
                chance = (counts[-1] == round(truth * size)) / math.comb(size, counts[-1])
            if not chance:
                continue
            for n in range(1, looks + 1):
                if counts[:n] not in known:
                    known[counts[:n]] = (
                        stopping_interval(counts[:n], looks, levels, 0.49)
                        if size is None
                        else items_interval(counts[:n], looks, levels, 5, size)
                    )
                low, high = known[counts[:n]]
                if not low - 1e-9 <= truth <= high + 1e-9:
                    missed[truth] += chance
                    break
    assert max(missed.values()) <= 0.1


@pytest.mark.parametrize("size", [None, 80])
def test_the_interval_leaves_out_the_threshold_just_when_the_rule_has_settled_it(size):
    draw, levels, settled = np.random.default_rng(3), Levels(0.05, 0.05), 0
    for threshold in (0.5, 0.7, 0.8):
        needed = round(80 * threshold)
        rule = skill_rule(threshold, 80, 0.05, 0.05) if size is None else items_rule(needed, 80, 80, 0.05, 0.05)
        for shift in (-0.2, -0.15, -0.1, 0.1, 0.15, 0.2):
            solved = round(80 * (threshold + shift))
            rights = np.cumsum(draw.permutation([1] * solved + [0] * (80 - solved))).tolist()
            words = [rule.word(n, rights[n - 1]) for n in range(1, 81)]
            stop = next((n for n, word in enumerate(words, 1) if word != "open"), 80)
            settled += words[stop - 1] != "open"
            for n in {max(1, stop - 1), stop}:
                if size is None:
                    low, high = stopping_interval(rights[:n], 80, levels, threshold)
                    above = low > threshold
                else:
                    low, high = items_interval(rights[:n], 80, levels, needed, 80)
                    above = low * 80 > needed - 0.5
                assert (high < threshold, above) == (words[n - 1] == "refuted", words[n - 1] == "supported")
    assert settled >= 8


@pytest.mark.parametrize(
    ("edge", "looks", "alpha"), [(Share(0.5), 0, 0.05), (Share(0.5), 9, 0.5), (Items(3, 5), 6, 0.05)]
)
def test_what_cannot_be_tested_is_refused(edge, looks, alpha):
    with pytest.raises(ValueError, match=r"alpha lies|looks are impossible"):
        boundary(edge, looks, alpha)
