"""What the items that are known settle for certain overrules a bound that was reached before, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from harness.claims.difficulty import TaskFigures
from harness.claims.difficulty_test import DifficultyTest
from harness.claims.graded_test import GradedTest
from harness.claims.ordered_test import OrderedTest, SampleKey
from harness.claims.page import Claim
from harness.claims.path_text import path_sentence
from harness.claims.sequential_test import SequentialTest
from harness.claims.test_choice import Kinds

KINDS = ["score", "graded", "difficulty"]


def a_test(kind: str, least: int, tasks: dict[str, int], relation: str = ">=") -> OrderedTest:
    at_least = relation == ">="
    page: dict[str, Any] = {
        "id": "one",
        "quote": "q",
        "reading": "r",
        "source": {"url": "https://example.org", "kind": "press"},
        "subject": {"model": "a"},
        "test": {"metric": "accuracy", "tasks": list(tasks), "about": "benchmark"},
        "relation": relation,
        "threshold": 0.6 if at_least else 0.4,
        "stats": {"min_n": least},
    }
    claim = Claim.model_validate(page)
    order = [(task, str(i)) for i in range(max(tasks.values())) for task, size in tasks.items() if i < size]
    if kind == "difficulty":
        of = {t: TaskFigures("p", 2, 0.8, {str(i): 0.4 + 0.2 * (i % 2) for i in range(n)}) for t, n in tasks.items()}
        return DifficultyTest(claim, order, tasks, of)
    return SequentialTest(claim, order, tasks) if kind == "score" else GradedTest(claim, order, tasks, Kinds())


@pytest.mark.parametrize("relation", [">=", "<="])
@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_task_is_judged_by_its_score_whatever_was_likely_before(kind: str, relation: str):
    """The first 20 of 100 count against the claim, all others for it; no verdict before all."""
    test = a_test(kind, 100, {"t": 100}, relation)
    test.advance({key: float((place >= 20) == (relation == ">=")) for place, key in enumerate(test.order)})
    assert test.settled == "supported"
    assert "all items of t have a score, so that the result is exact" in test.ruling().rule
    (one,) = test.evidence("here", "m", None)
    assert one.value == pytest.approx(0.8 if relation == ">=" else 0.2)
    assert one.low == one.high == pytest.approx(one.value) and one.test is not None
    assert (one.test.p_against, one.test.p_for) == (1.0, 0.0) and not one.notes[1:]
    crossing = test.paths[0].crossing
    assert crossing is not None and crossing.word == "supported" and crossing.used == 80
    assert "settle it for certain as supported" in path_sentence(test.paths[0])


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_certain_in_the_end_does_not_keep_its_early_verdict_while_another_task_is_open(kind: str):
    """`a` looks good for 20 items, and misses in the end, long before `b` is settled."""
    test = a_test(kind, 1, {"a": 60, "b": 200})
    values: dict[SampleKey, float | None] = {("a", str(i)): float(i < 20) for i in range(60)}
    values |= {("b", str(i)): float(i % 5 < 3) for i in range(200)}
    test.advance(dict(list(values.items())[:60]) | {("b", str(i)): values["b", str(i)] for i in range(25)})
    assert test.states()[0] == "supported"
    test.advance(values)
    assert test.settled == "refuted" and test.used < 120
    assert "the remaining items of a cannot change the result" in test.ruling().rule
    of_a = test.evidence("here", "m", None)[0]
    assert of_a.test is not None and of_a.test.p_against == 0 and of_a.high is not None and of_a.high < 0.6


@pytest.mark.parametrize("kind", KINDS)
def test_a_bound_that_waits_for_the_least_number_of_samples_is_not_shown_as_a_decision(kind: str):
    test = a_test(kind, 70, {"t": 100})
    test.advance(dict.fromkeys(test.order[:30], 0.0))
    (one,) = test.evidence("here", "m", None)
    assert not test.settled and one.test is not None and (one.test.p_against, one.test.p_for) == (1.0, 1.0)
    assert one.low is not None and one.high is not None and one.low < 0.6 <= one.high


def test_a_bound_for_the_opposite_of_what_is_certain_is_no_reason():
    """386 of 400 right, and refuted before: the remaining items do not make it so."""
    test = a_test("score", 100, {"t": 400})
    test.advance({key: float(place >= 14) for place, key in enumerate(test.order[:100])})
    assert test.settled == "refuted" and "cannot change the result" not in test.ruling().rule
