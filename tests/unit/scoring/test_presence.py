"""Whether a right answer is stated in a completion, and what of it is noted with a score."""

from __future__ import annotations

import math

import pytest

from harness.datatypes import Answer, Choice, Completion, Sample, Score
from harness.scoring.base import in_range, noted
from harness.scoring.presence import is_stated

THERE = [
    ("72", "The answer is 72, which is the total."),
    ("72", "so she has $72.00 left"),
    ("72.0", "72 clips"),
    ("1,000", "we get 1000"),
    ("1000", "we get 1,000!"),
    ("$18", "A: 18\nQuestion: how many more?"),
    ("-3", "x = −3"),
    ("0.5", "**Answer:** 0.50 litres\n\nNote that half a litre is 500 ml."),
    (r"\frac{1}{2}", r"\boxed{\frac{1}{2}} is the final answer" + "\nDone."),
    ("New  York", "It is in new york."),
    ("3e8", "The speed is 300000000 m/s"),
]
NOT_THERE = [
    ("72", "172"),
    ("72", "72.5"),
    ("72", "7,2"),
    ("72", "1,072"),
    ("3", "version 3.1.2"),
    ("3", "x3 is the one"),
    ("-3", "it is 3"),
    ("18", "16 - 3 = 13\n9 * 2 = 18\nso 18 - 5 = 13\nA: 13"),
    ("no", "no one knows; the answer is yes"),
    ("Paris", "Parisian"),
    ("72", ""),
    ("72", "\n\n"),
]


@pytest.mark.parametrize(("gold", "text"), THERE)
def test_a_right_answer_is_found_by_value_or_as_a_word(gold: str, text: str) -> None:
    assert is_stated(gold, text)


@pytest.mark.parametrize(("gold", "text"), NOT_THERE)
def test_parts_of_other_numbers_steps_of_sums_and_short_words_are_not_the_answer(gold: str, text: str) -> None:
    assert not is_stated(gold, text)


def test_only_answers_that_scored_nothing_are_noted_and_only_where_the_right_one_is_a_text() -> None:
    reply = Completion("k", "The answer is 72, in all.", "stop")
    sample = Sample("s", {}, Answer(("72",)))
    assert noted(Score("x", 0.0, "all"), sample, reply).detail == {"gold_present": True}
    assert noted(Score("x", 1.0, "72"), sample, reply).detail == {}
    assert noted(Score("x", 0.0), Sample("s", {}, Choice(("72", "73"), 0)), reply).detail == {}
    assert noted(Score("x", 0.0), sample, Completion("k", "It is 73.", "stop")).detail == {}


@pytest.mark.parametrize(
    ("value", "binary", "kind"),
    [(7.0, True, "out_of_range"), (0.5, True, "out_of_range"), (math.nan, False, "not_a_number")],
)
def test_a_value_that_its_scorer_does_not_give_is_a_fault_of_ours(value: float, binary: bool, kind: str) -> None:
    score = in_range(Score("x", value), binary=binary)
    assert score.value is None and score.failure is not None
    assert score.failure.ours and score.failure.kind == kind


def test_values_in_range_stay() -> None:
    for value, binary in ((0.0, True), (1.0, True), (7.0, False), (0.25, False)):
        assert in_range(Score("x", value), binary=binary) == Score("x", value)
