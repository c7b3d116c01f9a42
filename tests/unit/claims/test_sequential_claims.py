"""A claim tested while answers come in: how soon it ends, how often it errs, and that the order is its own."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.claims.page import Claim
from harness.claims.sequential_test import SampleKey, SequentialTest, anytime_interval, random_order
from harness.stats.sequential import log_finite_mixture, log_mixture
from harness.stats.thresholds import Bar, count_test


def a_claim(about: str = "skill", tasks: int = 1, **changes: Any) -> Claim:
    page: dict[str, Any] = {
        "id": "nearly-90",
        "quote": "nearly 90 %",
        "reading": "at least 85 %",
        "source": {"url": "https://example.org", "kind": "press"},
        "subject": {"model": "big-model"},
        "test": {"metric": "pass@1", "tasks": [f"task{i}" for i in range(tasks)], "about": about},
        "relation": ">=",
        "threshold": 0.9,
        "tolerance": 0.05,
    }
    return Claim.model_validate(page | changes)


def a_test(claim: Claim, size: int = 164, seed: int = 0) -> SequentialTest:
    pairs = [(task, str(i)) for task in claim.test.tasks for i in range(size)]
    return SequentialTest(claim, random_order(pairs, seed), dict.fromkeys(claim.test.tasks, size))


def answers(test: SequentialTest, share: float, seed: int) -> dict[SampleKey, float | None]:
    """Right or wrong for every sample, this share right."""
    draw = random.Random(seed)
    return {pair: float(draw.random() < share) for pair in test.order}


def test_nearly_ninety_per_cent_against_a_model_at_ten_settles_within_ten_problems():
    for about in ("skill", "benchmark"):
        used = []
        for seed in range(12):
            test = a_test(a_claim(about), seed=seed)
            test.advance(answers(test, 0.1, seed))
            assert test.settled == "refuted"
            used.append(test.used)
        assert max(used) <= 10 and np.mean(used) < 6


def test_a_model_at_a_hundred_per_cent_is_soon_supported():
    test = a_test(a_claim())
    test.advance(answers(test, 1.0, 0))
    assert test.settled == "supported" and test.used < 60
    assert "were not needed" in test.ruling().rule


def test_answers_are_taken_in_the_random_order_whatever_order_they_come_in():
    """Short answers come first: the first five to arrive are no random five."""
    test = a_test(a_claim())
    given = answers(test, 0.5, 3)
    late = test.order[0]
    test.advance({pair: value for pair, value in given.items() if pair != late})
    assert test.used == 0 and not test.settled
    test.advance(given)
    straight = a_test(a_claim())
    straight.advance(given)
    assert (test.used, test.settled) == (straight.used, straight.settled)


def test_the_order_depends_on_the_seed_and_on_nothing_else():
    pairs = [("t", str(i)) for i in range(50)]
    assert random_order(pairs, 1) == random_order(list(reversed(pairs)), 1) != random_order(pairs, 2)


def test_few_are_asked_at_first_and_more_later():
    test = a_test(a_claim("benchmark"), size=500)
    given = answers(test, 0.85, 0)
    sizes = []
    while part := test.next_samples():
        sizes.append(len(part))
        test.advance({pair: given[pair] for pair in test.order[: test.used + len(part)]})
    assert sizes[0] == 5 and sizes[:-1] == sorted(sizes[:-1])
    assert len(sizes) < 25


def test_a_benchmark_is_settled_when_the_rest_cannot_change_it():
    test = a_test(a_claim("benchmark"), size=20)
    # 17 of 20 are needed: the fourth wrong answer ends it, before any odds do
    test.advance({pair: float(place not in (2, 5, 9, 13)) for place, pair in enumerate(test.order)})
    assert test.settled == "refuted" and test.used == 14
    assert "cannot change the result" in test.ruling().rule


def test_an_unscored_sample_is_skipped_and_reported():
    test = a_test(a_claim(), size=5)
    test.advance({pair: None if place < 2 else 1.0 for place, pair in enumerate(test.order)})
    assert (test.used, test.unscored) == (5, 2)
    assert test.evidence("here", "m", None)[0].n == 3


def exact_error(stops: Callable[[int, int], str], p: float, size: int, word: str) -> float:
    """The probability, over all ways that `size` answers can fall, that a stopping rule ever says `word`."""
    alive, hit = {(0, 0): 1.0}, 0.0
    for _ in range(size):
        fresh: dict[tuple[int, int], float] = {}
        for (right, wrong), chance in alive.items():
            for state, share in (((right + 1, wrong), p), ((right, wrong + 1), 1 - p)):
                fresh[state] = fresh.get(state, 0.0) + chance * share
        alive = {}
        for state, chance in fresh.items():
            said = stops(*state)
            hit += chance * (said == word)
            if not said:
                alive[state] = chance
    return hit


def test_a_true_claim_is_refuted_no_more_often_than_promised_and_a_false_one_seldom_supported():
    """Exact, not simulated: looks after every answer, and the test at the end, together."""
    size = 60
    test = a_test(a_claim(), size)

    @functools.cache
    def stops(right: int, wrong: int) -> str:
        if log_mixture(right, wrong, 0.85) >= test.bounds["refuted"]:
            return "refuted"
        if log_mixture(wrong, right, 1 - 0.85) >= test.bounds["supported"]:
            return "supported"
        if right + wrong < size:
            return ""
        last = count_test(right, size, Bar(0.85), test.alpha).test
        return "refuted" if last.p_against <= test.alpha else "supported" if last.p_for <= test.alpha else "open"

    assert exact_error(stops, 0.85, size, "refuted") <= 0.05
    assert exact_error(stops, 0.85, size, "supported") <= 0.05
    assert exact_error(stops, 0.6, size, "refuted") > 0.9

    # And the test stops where that rule does
    for seed, share in ((1, 0.85), (2, 0.85), (3, 0.7), (4, 0.95), (5, 0.5)):
        test = a_test(a_claim(), size, seed)
        given = answers(test, share, seed)
        test.advance(given)
        right = wrong = 0
        for pair in test.order:
            right, wrong = right + (given[pair] == 1.0), wrong + (given[pair] == 0.0)
            if said := stops(right, wrong):
                break
        assert (test.used, test.ruling().word) == (right + wrong, "inconclusive" if said == "open" else said)


def test_several_tasks_share_the_error_of_refuting():
    one, three = a_test(a_claim("benchmark")), a_test(a_claim("benchmark", tasks=3))
    assert three.bounds["refuted"] == pytest.approx(one.bounds["refuted"] + math.log(3))
    assert three.bounds["supported"] == one.bounds["supported"]


def test_false_refutations_of_a_true_benchmark_score_stay_rare():
    """The benchmark's score is just at the bar: 34 of 40, in 2000 random orders."""
    wrong = 0
    # The rule alone, from a table of its e-values: a test computes the same numbers one by one
    table = np.array([[log_finite_mixture(r, w, 34, 40) if r + w <= 40 else 0 for w in range(41)] for r in range(41)])
    generator = np.random.default_rng(0)
    for _ in range(2000):
        items = generator.permutation([1] * 34 + [0] * 6)
        rights = np.cumsum(items)
        wrongs = np.arange(1, 41) - rights
        wrong += bool((table[rights, wrongs] >= -math.log(0.05)).any())
    assert wrong / 2000 <= 0.05


def test_the_interval_that_holds_at_any_stop_is_what_no_e_process_excludes():
    line = math.log(40)
    for right, wrong in ((0, 5), (3, 7), (9, 1), (50, 50)):
        low, high = anytime_interval(right, wrong)
        grid = [
            p
            for p in np.linspace(0.001, 0.999, 999)
            if log_mixture(right, wrong, p) < line and log_mixture(wrong, right, 1 - p) < line
        ]
        assert low == pytest.approx(min(grid), abs=0.0015) and high == pytest.approx(max(grid), abs=0.0015)
        low, high = anytime_interval(right, wrong, 120)
        fitting = [
            k
            for k in range(right, 120 - wrong + 1)
            if log_finite_mixture(right, wrong, k, 120) < line and log_finite_mixture(wrong, right, 120 - k, 120) < line
        ]
        assert (round(low * 120), round(high * 120)) == (fitting[0], fitting[-1])
