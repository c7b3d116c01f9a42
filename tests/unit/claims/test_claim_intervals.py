"""The interval beside a sequential verdict: at the level of the test, in order, and with a note where it differs."""

from __future__ import annotations

import math
import random

import pytest
from claim_pages import a_claim

from harness.claims.graded_test import GradedTest
from harness.claims.interval_notes import outside_note
from harness.claims.ordered_test import random_order
from harness.claims.paired_claim import PairedClaimTest
from harness.claims.sequential_test import TaskTest
from harness.claims.test_choice import Kinds
from harness.claims.text import level_text
from harness.stats.exact_interval import Levels, items_interval, stopping_interval
from harness.stats.thresholds import Bar

PAIRS = [("t", str(i)) for i in range(200)]


def test_an_interval_is_never_reversed_and_keeps_to_the_first_verdict():
    # 6 wrong answers, then 94 right ones: every score has been left out by the end
    rights = [max(0, n - 6) for n in range(1, 101)]
    for low, high in (
        stopping_interval(rights, 100, Levels(0.05, 0.05), 0.75),
        items_interval(rights, 100, Levels(0.05, 0.05), 75, 200),
    ):
        assert low <= high < 0.75
        assert "outside its interval" in outside_note(0.94, low, high)[0]
    assert not outside_note(0.5, 0.2, 0.7)


@pytest.mark.parametrize("at_least", [True, False])
@pytest.mark.parametrize("value", [0.5, 0.3, 0.9])
@pytest.mark.parametrize("right", [True, False])
def test_an_end_lies_beyond_the_bar_once_it_is_settled(at_least: bool, value: float, right: bool):
    test = TaskTest(Bar(value, at_least=at_least), 100, Levels(0.05, 0.05))
    while test.state == "open":
        test.feed(float(right), test.n + 1)
        low, high = test.interval()
        assert (low <= value <= high) == (test.state == "open")


def test_intervals_of_bets_and_walks_have_the_level_of_their_test():
    claim = a_claim(relation=">", threshold=None, comparators=[{"model": "b"}])
    for seed in range(6):
        draw = random.Random(seed)
        ours, theirs = ({key: float(draw.random() < share) for key in PAIRS} for share in (0.85, 0.6))
        walk = PairedClaimTest(claim, random_order(PAIRS, seed), {"t": 200}, ["a", "b"])
        walk.advance([ours, theirs])
        (one,) = walk.evidence("here", None, "subject")
        assert one.low is not None and walk.settled == "supported" and one.confidence == pytest.approx(0.9)
        # Another test than the walk, so that it may need more samples: then a note says so
        assert (one.low <= 0) == any("by the interval alone" in note for note in one.notes)
        graded = GradedTest(a_claim(threshold=0.6), random_order(PAIRS, seed), {"t": 200}, Kinds(frozenset({"t"})))
        graded.advance({key: 0.5 * draw.random() for key in PAIRS})
        (one,) = graded.evidence("here", "m", None)
        assert one.high is not None and one.high < 0.6 and graded.settled == "refuted" and not one.notes
        assert math.isclose(one.confidence, 0.9)


def test_a_level_below_one_is_not_shown_as_a_hundred_per_cent():
    assert [level_text(one) for one in (0.9, 0.95, 0.9998, 0.99999)] == ["90", "95", "99.98", "99.999"]
