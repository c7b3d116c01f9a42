"""`--limit` of a claim that is run until it is settled: a budget, which changes neither order nor boundaries."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from claim_pages import a_claim

from harness.claims.ordered_test import SampleKey, random_order
from harness.claims.paired_claim import PairedClaimTest
from harness.claims.sequential_test import SequentialTest
from harness.claims.test_choice import Kinds, drawn_order
from harness.errors import UserError

SIZE = 80
PAIRS = [("t", str(i)) for i in range(SIZE)]


def one_score(seed: int) -> SequentialTest:
    return SequentialTest(a_claim(), random_order(PAIRS, seed), {"t": SIZE})


def two_models(seed: int) -> PairedClaimTest:
    claim = a_claim(relation=">", threshold=None, comparators=[{"model": "b"}])
    return PairedClaimTest(claim, random_order(PAIRS, seed), {"t": SIZE}, ["a", "b"])


def ask(test: Any, limit: int, answers: list[dict[SampleKey, float]], known: list[dict[SampleKey, float]]) -> None:
    """Run up to a limit, with what was known before."""
    test.limit = limit
    while True:
        test.advance(known if len(answers) > 1 else known[0])
        wanted = test.next_samples()
        sides = wanted if len(answers) > 1 else [set(wanted)]
        if not any(sides):
            return
        for side, keys in enumerate(sides):
            known[side] |= {key: answers[side][key] for key in keys}


def under_growing_limits(make: Callable[[int], Any], answers: list[dict[SampleKey, float]], seed: int) -> list[str]:
    known: list[dict[SampleKey, float]] = [{} for _ in answers]
    words = []
    for limit in (10, 20, 40, SIZE):
        test = make(seed)
        ask(test, limit, answers, known)
        assert len(known[0]) <= limit
        words.append(test.settled or "inconclusive")
    return words


def test_the_order_is_the_same_whatever_the_limit():
    groups = Kinds(groups={key: str(int(key[1]) // 4) for key in PAIRS}, largest={"t": 4})
    for kinds in (Kinds(), groups):
        assert drawn_order(PAIRS, kinds, 0, 20) == drawn_order(PAIRS, kinds, 0)
    with pytest.raises(UserError, match="--limit 3 is less than the first group"):
        drawn_order(PAIRS, groups, 0, 3)


@pytest.mark.parametrize(("make", "sides"), [(one_score, 1), pytest.param(two_models, 2, marks=pytest.mark.slow)])
def test_growing_limits_keep_every_verdict_and_the_error_rate(make: Callable[[int], Any], sides: int):
    """At the edge of the claim: refuted where it is just true, and supported where it is just not."""
    wrong, runs = {"refuted": 0, "supported": 0}, 40
    for seed in range(runs):
        draw = random.Random(seed)
        answers = [{key: float(draw.random() < 0.75) for key in PAIRS} for _ in range(sides)]
        words = under_growing_limits(make, answers, seed)
        reached = [word for word in words if word != "inconclusive"]
        assert len(set(reached)) <= 1 and words[len(words) - len(reached) :] == reached
        for word in reached[:1]:
            wrong[word] += 1
    # 5 % of each and two standard errors; looks of their own at each limit gave 6.8 % and 11.9 %
    assert max(wrong.values()) <= runs * 0.05 + 2 * np.sqrt(runs * 0.05 * 0.95)


@pytest.mark.parametrize(("make", "sides"), [(one_score, 1), (two_models, 2)])
def test_a_refuted_claim_stays_refuted_with_a_larger_limit(make: Callable[[int], Any], sides: int):
    order = make(0).order
    # Bad at first, then all right
    answers = [{key: float(place >= 20) for place, key in enumerate(order)}]
    answers += [{key: float(place < 20) for place, key in enumerate(order)}][: sides - 1]
    words = under_growing_limits(make, answers, 0)
    assert "refuted" in words[:2] and set(words[2:]) == {"refuted"}


@pytest.mark.parametrize(("make", "sides"), [(one_score, 1), (two_models, 2)])
def test_the_limit_is_said_to_have_stopped_it(make: Callable[[int], Any], sides: int):
    test = make(1)
    answers = [{key: float(int(key[1]) % 4 > 0) for key in PAIRS}] * sides
    ask(test, 30, answers, [{} for _ in answers])
    ruling = test.ruling()
    assert test.at_limit and ruling.word == "inconclusive"
    assert "stopped at the limit of 30 of 80 samples" in ruling.rule and "unscored" not in ruling.rule
    assert ruling.needed is None or ruling.needed > SIZE
