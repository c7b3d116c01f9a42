"""Questions of the same calculation in this project's words: the texts say what is computed."""

from __future__ import annotations

import re
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.perturb.base import LeftOut, Original
from harness.perturb.numbers import Numbers
from harness.perturb.shapes import shape_of
from harness.perturb.stories import told
from harness.perturb.story_texts import STORIES, Story
from harness.perturb.structure import NotRecognised, of_solution
from harness.perturb.templates import Templates

VALUES = {"a": "840", "b": "7", "c": "6", "d": "5", "e": "4", "f": "3", "p": "20"}


def calculation(story: Story, values: dict[str, str]) -> str:
    """A story's formula with numbers in it."""
    return "".join(values.get(sign, sign) for sign in story.calculation)


def original(columns: dict[str, str]) -> Original:
    """A sample with these columns, of a page that names none."""
    stand_in: Any = SimpleNamespace(perturb=None, inputs=columns)
    return Original(stand_in, stand_in, cast(Any, None))


def test_there_are_at_least_sixty_stories_with_names_of_their_own():
    assert len(STORIES) >= 60 and len({story.name for story in STORIES}) == len(STORIES)
    assert all(re.fullmatch("[a-z-]+", story.name) for story in STORIES)
    assert len({story.text for story in STORIES}) == len(STORIES)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_has_each_number_of_its_calculation_once_and_no_other(story):
    letters = set(re.findall("[a-z]", story.calculation))
    in_text = re.findall(r"\{([a-z])\}", story.text)
    assert sorted(in_text) == sorted(letters), story.name
    assert not re.search(r"\d", re.sub(r"\{[a-z]+\}", "", story.text).replace("100", ""))
    assert story.text.endswith("?")


def test_equal_calculations_have_one_shape_whatever_their_order_and_steps():
    forms = ("5*8=40\n40+7=47", "8*5=40\n7+40=47", "8*5+7=47", "7+(5*8)=47")
    assert len({shape_of(of_solution(form)).text for form in forms}) == 1
    assert shape_of(of_solution("(5+8)*7=91")).text != shape_of(of_solution(forms[0])).text


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_story_can_be_told_with_answers_that_python_computes(story):
    """From a question of its own calculation: a story of this shape is found, and its steps are right."""
    # Numbers that divide where the story divides
    others = ({}, {"a": "847"}, {"a": "780"}, {"b": "2"}, {"d": "3"}, {"e": "2"}, {"a": "8400", "b": "12"})
    forms = [calculation(story, {**VALUES, **other}) for other in others]
    written = next(form for form in forms if eval(form) == int(eval(form)) > 1)
    value = eval(written)
    try:
        made = told(of_solution(f"{written}={value:g}"), 3, Random(story.name))
    except NotRecognised as reason:
        pytest.fail(f"{story.name}: {written}: {reason}")
    for each in made:
        assert eval(each.steps[-1][0]) == float(each.answer) and float(each.answer) == int(each.answer) > 0
        for expression, result in each.steps:
            assert eval(expression) == float(result) > 0
        assert all(len(pair.before) == len(pair.after) or "%" in each.text for pair in each.numbers)


def test_a_calculation_that_no_story_has_is_refused():
    with pytest.raises(NotRecognised, match="no story has its structure"):
        told(of_solution("2*3*4*5*6*7*8=40320"), 1, Random(1))
    with pytest.raises(NotRecognised, match="kind of numbers"):
        told(of_solution("2.5*3=7.5"), 1, Random(1))


# From the test split of GSM8K (950, 597, 279, 386, 891): what is marked is only the end of the calculation
PARTLY_MARKED = [
    (
        "Bahati, Azibo, and Dinar each contributed to their team's 45 points. Bahati scored the most points and it was "
        "20 more than Azibo scored and 10 more points than Dinar scored. How many points did Azibo score?",
        "3B = 75\nB = <<25=25>>25\nAzibo = 25 - 20 = <<25-20=5>>5 points\n#### 5",
    ),
    (
        "The three angles in a triangle add up to 180 degrees. One angle is twice the smallest angle, and one angle is "
        "three times the smallest angle. What is the measure of the largest angle?",
        "x=<<30=30>>30\nThen the largest angle is 3*30=<<3*30=90>>90 degrees.\n#### 90",
    ),
    (
        "Ruby is 6 times older than Sam. In 9 years, Ruby will be 3 times as old as Sam. How old is Sam now?",
        "We simplify to get 18, 3 times x.\nNow Sam's age is 18 / 3 = <<18/3=6>>6 years.\n#### 6",
    ),
    (
        "His grade is the average of 5 test scores: 65, 94, 81, 86 and 74. What is his grade?",
        "65+94+81+86+74 = <<400=400>>400\nHis grade is 400/5 = <<400/5=80>>80\n#### 80",
    ),
    (
        "A whirligig spins at five times the speed of a thingamabob, a whatchamacallit eleven times faster than it, at "
        "121 meters per second. How fast does a whirligig spin?",
        "A thingamabob spins at 121 / 11 = 11 meters.\nA whirligig spins at 11 * 5 = <<11*5=55>>55 meters.\n#### 55",
    ),
]


@pytest.mark.parametrize(("question", "answer"), PARTLY_MARKED)
@pytest.mark.parametrize("kind", [Templates(), Numbers()])
def test_a_part_of_a_calculation_has_no_story(kind, question, answer):
    made = kind.variants(original({"question": question, "answer": answer}), 2, Random(1))
    assert isinstance(made, LeftOut), [variant.columns for variant in made]


def test_a_calculation_whose_every_number_is_known_has_a_story():
    question = "Pia has 12 cups and buys 30 more boxes of cups with a dozen in each. How many has she?"
    answer = "30 * 12 = <<30*12=360>>360\n360 + 12 = <<360+12=372>>372\n#### 372"
    (variant, *_) = Templates().variants(original({"question": question, "answer": answer}), 1, Random(1))
    assert variant.label.startswith("story-")


def test_nothing_that_a_story_tells_of_is_negative():
    """The second cat weighs less than the first, and more than nothing."""
    cats = [
        re.search(r"One cat weighs (\d+) grams, and another weighs (\d+) grams less", each.text)
        for seed in range(40)
        for each in told(of_solution("6+6-8=4"), 2, Random(seed))
    ]
    assert any(cats)
    assert all(int(found[1]) > int(found[2]) for found in cats if found)
