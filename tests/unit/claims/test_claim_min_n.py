"""`stats.min_n`: no verdict before so many scored samples of each task; a later verdict, never another one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from claim_pages import a_claim

from harness.claims import paired_running
from harness.claims.graded_test import GradedTest
from harness.claims.ordered_test import SampleKey, random_order
from harness.claims.paired_claim import PairedClaimTest
from harness.claims.published import of_published
from harness.claims.sequential_test import SequentialTest
from harness.claims.test_choice import Kinds

SIZE = 100
PAIRS = [("t", str(i)) for i in range(SIZE)]


def settled(kind: str, least: int, seed: int, share: float, size: int = SIZE) -> Any:
    order, sizes, draw = random_order(PAIRS, seed)[:size], {"t": size}, random.Random(seed)
    ours: dict[SampleKey, float | None] = {key: float(draw.random() < share) for key in order}
    if kind == "pairs":
        claim = a_claim(stats={"min_n": least}, relation=">", threshold=None, comparators=[{"model": "b"}])
        pairs = PairedClaimTest(claim, order, sizes, ["a", "b"])
        pairs.advance([ours, {key: float(draw.random() < 0.75) for key in order}])
        return pairs
    claim = a_claim(stats={"min_n": least})
    test = SequentialTest(claim, order, sizes) if kind == "score" else GradedTest(claim, order, sizes, Kinds())
    test.advance(ours)
    return test


@pytest.mark.parametrize("kind", ["score", "graded", "pairs"])
def test_a_verdict_waits_for_the_least_number_of_samples_and_stays_the_same(kind: str):
    for seed in range(4):
        plain, waiting = settled(kind, 1, seed, 0.2), settled(kind, 50, seed, 0.2)
        assert plain.settled == waiting.settled == "refuted" and plain.used < waiting.used == 50
        few = settled(kind, 50, seed, 0.2, size=30)
        ruling = few.ruling()
        assert ruling.word == "inconclusive" and "needs 50 scored samples" in ruling.rule and "t has 30" in ruling.rule


def test_the_p_value_is_that_of_the_crossing():
    for seed in range(4):
        plain, waiting = (settled("score", least, seed, 0.2).tests["t"] for least in (1, 50))
        assert plain.p_values() == waiting.p_values() and plain.at_crossing() == waiting.at_crossing()


def test_a_published_number_of_fewer_items_decides_nothing():
    row = {"model": "a", "task": "t", "value": 0.2, "n": 40, "who": "w", "source": "s", "checked": "read"}
    for least, decides in ((40, True), (41, False)):
        (one,) = of_published(a_claim(stats={"min_n": least}, published=[row])).evidence
        assert one.test is not None and (one.test.p_against <= 0.05) == decides
        assert any("a verdict needs 41 samples" in note for note in one.notes) != decides


def test_a_stored_order_depends_on_it_only_where_it_is_set():
    assert "min_n" not in paired_running.tested_as(a_claim())
    assert paired_running.tested_as(a_claim(stats={"min_n": 9}))["min_n"] == 9
