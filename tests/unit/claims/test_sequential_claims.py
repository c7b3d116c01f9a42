"""A claim tested while answers come in: how soon it ends, how often it errs, and that the order is its own."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from harness.claims.e_value_test import EValueTest, anytime_interval
from harness.claims.ordered_test import SampleKey, random_order
from harness.claims.page import Claim
from harness.claims.sequential_test import SequentialTest
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
    # 17 of 20 are needed: the fourth wrong answer ends it, late enough that no bound does before
    test.advance({pair: float(place not in (2, 7, 12, 18)) for place, pair in enumerate(test.order)})
    assert test.settled == "refuted" and test.used == 19
    assert "cannot change the result" in test.ruling().rule


def test_an_unscored_sample_is_skipped_and_reported():
    test = a_test(a_claim(), size=5)
    test.advance({pair: None if place < 2 else 1.0 for place, pair in enumerate(test.order)})
    assert (test.used, test.unscored) == (5, 2)
    assert test.evidence("here", "m", None)[0].n == 3


@pytest.mark.parametrize("about", ["skill", "benchmark"])
@pytest.mark.parametrize("relation", [">=", "<", "<=", ">"])
def test_claims_at_the_bar_are_seldom_judged_wrongly_in_whatever_direction_they_point(about, relation):
    """The score is just at the bar: 34 of 40, in random orders; for a strict claim it is just not met."""
    draw, wrong = np.random.default_rng(0), 0
    claim = a_claim(about, relation=relation, threshold=0.85, tolerance=0.0)
    untrue = "supported" if relation in ("<", ">") else "refuted"
    for _ in range(150):
        test = a_test(claim, 40)
        values = draw.permutation([1.0] * 34 + [0.0] * 6) if about == "benchmark" else 1.0 * (draw.random(40) < 0.85)
        test.advance(dict(zip(test.order, values.tolist(), strict=True)))
        wrong += test.settled == untrue
    # 5 % of 150, and three standard errors
    assert wrong <= 7.5 + 3 * math.sqrt(150 * 0.05 * 0.95)


def test_a_test_that_is_resumed_ends_as_one_that_was_not_interrupted():
    for seed in range(5):
        whole = a_test(a_claim(), seed=seed)
        given = answers(whole, 0.75, seed)
        whole.advance(given)
        resumed = a_test(a_claim(), seed=seed)
        while part := resumed.next_samples():
            # Started again from nothing, with the answers so far, as after a kill
            known = {pair: given[pair] for pair in resumed.order[: resumed.used + len(part)]}
            resumed = a_test(a_claim(), seed=seed)
            resumed.advance(known)
        assert (resumed.used, resumed.ruling(), resumed.paths) == (whole.used, whole.ruling(), whole.paths)


def test_the_numbers_beside_a_verdict_agree_with_it():
    for about, share, tasks in (("skill", 0.6, 1), ("benchmark", 0.97, 1), ("skill", 0.6, 3), ("benchmark", 0.6, 2)):
        test = a_test(a_claim(about, tasks))
        test.advance(answers(test, share, 1))
        assert test.settled
        for one, state in zip(test.evidence("here", "m", None), test.states(), strict=True):
            assert one.test is not None and one.low is not None and one.high is not None
            assert (one.high < 0.85) == (state == "refuted") == (one.test.p_against <= 0.05)
            assert (one.low >= 0.85) == (state == "supported") == (one.test.p_for <= 0.05)


def an_earlier_test(size: int, seed: int = 0) -> EValueTest:
    return EValueTest(a_claim(), random_order([("task0", str(i)) for i in range(size)], seed), {"task0": size})


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


def test_runs_of_the_earlier_rule_are_judged_by_it():
    """Exact, not simulated: looks after every answer, and the test at the end, together."""
    size = 60
    test = an_earlier_test(size)

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
        test = an_earlier_test(size, seed)
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
    assert three.levels.upper == pytest.approx(one.levels.upper / 3)
    assert three.levels.lower == one.levels.lower == 0.05
    wrong, draw = 0, np.random.default_rng(1)
    for _ in range(100):
        test = a_test(a_claim(tasks=3), 30)
        test.advance(dict(zip(test.order, (1.0 * (draw.random(90) < 0.85)).tolist(), strict=True)))
        wrong += test.settled == "refuted"
    assert wrong <= 5 + 3 * math.sqrt(100 * 0.05 * 0.95)


def test_the_interval_of_the_earlier_rule_is_what_no_e_process_excludes():
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
