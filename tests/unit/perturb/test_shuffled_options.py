"""Options in another order: the right one moves along, whatever way a page writes it; what refers to places stays."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from files import write_jsonl
from originals import originals

from harness.datatypes import Choice
from harness.perturb.base import LeftOut, Original, PerturbOptions, Variant
from harness.perturb.options import build

PAGE = """\
name: quiz
version: 1
source: {{licence: Apache-2.0}}
data: {{path: ./quiz.jsonl, split: test, columns: [question], id: "{{{{ id }}}}"}}
reference:
  choice: {{options: {options}, gold: "{gold}"}}
prompt:
  text:
    template: |-
      {{{{ question }}}}
      {{% for each in options %}}{{{{ letters[loop.index0] }}}}. {{{{ each }}}}
      {{% endfor %}}Answer:
    stop: ["\\n"]
sampling: {{max_tokens: 8}}
gold: "{{{{ letters[{gold_index}] }}}}"
score: [{{by: choice, name: letter}}]
metric: [mean]
"""


def quiz(tmp_path: Any, row: dict[str, Any], options: str, gold: str, gold_index: str | None = None) -> Original:
    """A page with one row."""
    write_jsonl(tmp_path / "quiz.jsonl", [{"id": "q", "question": "Which one is a colour?", **row}])
    page = tmp_path / "quiz.yaml"
    index = gold_index or gold.strip("{} ")
    page.write_text(PAGE.format(options=options, gold=gold, gold_index=index), encoding="utf-8")
    return next(originals(str(page)))


def shuffled(original: Original, draws: int = 3, seed: int = 1) -> list[Variant]:
    """The variants; a sample that is left out is a failure."""
    made = build(PerturbOptions()).variants(original, draws, Random(seed))
    assert not isinstance(made, LeftOut), made.reason
    return list(made)


def choice_of(original: Original, variant: Variant) -> Choice:
    """The reference that the page makes of a variant."""
    reference = original.bind(variant.columns).reference
    assert isinstance(reference, Choice)
    return reference


WORDS = ["dog", "red", "iron", "seven"]


@pytest.mark.parametrize(
    ("row", "options", "gold"),
    [
        ({"c": WORDS, "answer": 1}, '"{{ c }}"', "{{ answer }}"),
        ({"c": WORDS, "answer": "1"}, '"{{ c }}"', "{{ answer | int }}"),
        ({"c": WORDS, "answer": 2}, '"{{ c }}"', "{{ answer - 1 }}"),
        ({"c": WORDS, "answer": "B"}, '"{{ c }}"', "{{ 'ABCD'.index(answer) }}"),
        ({"c": WORDS, "answer": " b "}, '"{{ c }}"', "{{ 'abcd'.index(answer.strip()) }}"),
        ({"c": WORDS, "answer": "red"}, '"{{ c }}"', "{{ c.index(answer) }}"),
        ({"c": {"text": WORDS, "label": list("PQRS")}, "key": "Q"}, '"{{ c.text }}"', "{{ c.label.index(key) }}"),
        (
            {"option1": "dog", "option2": "red", "option3": "iron", "answer": "2"},
            '["{{ option1 }}", "{{ option2 }}", "{{ option3 }}"]',
            "{{ answer | int - 1 }}",
        ),
    ],
)
def test_the_right_option_moves_along(tmp_path, row, options, gold):
    original = quiz(tmp_path, row, options, gold)
    seen = {tuple(original.sample.reference.options)}
    for variant in shuffled(original):
        reference = choice_of(original, variant)
        assert reference.options[reference.gold] == "red"
        assert sorted(reference.options) == sorted(original.sample.reference.options)
        assert original.bind(variant.columns).gold == "ABCD"[reference.gold]
        seen.add(reference.options)
    assert len(seen) == 4


def test_the_row_that_was_given_is_not_touched_and_a_seed_gives_the_same_orders(tmp_path):
    original = quiz(tmp_path, {"c": WORDS, "answer": 1}, '"{{ c }}"', "{{ answer }}")
    first, again, other = shuffled(original), shuffled(original), shuffled(original, seed=2)
    assert original.columns["c"] == WORDS and original.columns["answer"] == 1
    assert [each.columns for each in first] == [each.columns for each in again] != [each.columns for each in other]


def test_none_of_the_above_stays_last_and_two_options_have_one_other_order(tmp_path):
    row = {"c": ["dog", "red", "iron", "none of the above"], "answer": 1}
    original = quiz(tmp_path, row, '"{{ c }}"', "{{ answer }}")
    variants = shuffled(original, draws=9)
    assert len(variants) == 5 and {choice_of(original, each).options[3] for each in variants} == {"none of the above"}
    pair = quiz(tmp_path, {"c": ["dog", "red"], "answer": 1}, '"{{ c }}"', "{{ answer }}")
    assert [choice_of(pair, each).options for each in shuffled(pair)] == [("red", "dog")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"c": ["dog", "red", "Both A and B", "iron"]}, "by their letter"),
        ({"c": ["dog", "red", "(a) and (c)", "iron"]}, "by their letter"),
        ({"c": ["dog", "all of the above", "red", "iron"]}, "above it"),
        ({"c": ["dog", "none of these"]}, "fewer than two"),
        ({"c": ["red", "red"]}, "all alike"),
        ({"c": WORDS, "question": "Is option B a colour?"}, "refers to options by their place"),
        ({"c": WORDS, "answer": "0x1"}, "which option is right"),
    ],
)
def test_what_cannot_be_shuffled_is_left_out_with_its_reason(tmp_path, row, reason):
    gold = "{{ 1 if answer == '0x1' else answer }}"
    original = quiz(tmp_path, {"answer": 1, **row}, '"{{ c }}"', gold)
    made = build(PerturbOptions()).variants(original, 2, Random(0))
    assert isinstance(made, LeftOut) and reason in made.reason


def test_each_other_and_vitamin_a_are_ordinary_words(tmp_path):
    row = {"c": ["red each other", "help one another", "vitamin A", "plan B"], "answer": 0}
    assert len(shuffled(quiz(tmp_path, row, '"{{ c }}"', "{{ answer }}"))) == 3


@pytest.mark.parametrize(
    "task",
    [
        *("arc_challenge", "arc_challenge_chat", "openbookqa", "winogrande", "piqa_cot", "xcopa", "aqua"),
        *(pytest.param(heavy, marks=pytest.mark.slow) for heavy in ("mmlu_generative", "hellaswag_cot", "exams")),
    ],
)
def test_options_of_real_pages_keep_their_right_answer(mirror, task):
    for original in originals(task, mirror, limit=12):
        before = original.sample.reference
        for variant in shuffled(original, draws=1):
            after = choice_of(original, variant)
            assert after.options != before.options and sorted(after.options) == sorted(before.options)
            assert after.options[after.gold] == before.options[before.gold]
