"""Long answers are read from their end first; that must not change what is read."""

from __future__ import annotations

import pytest

from harness.datatypes import ChatPrompt, Choice, Message, Sample
from harness.scoring.factory import build_extractor

PROMPT = ChatPrompt((Message("user", "Which?\nA. x\nB. y\nC. z\nD. w"),))
SAMPLE = Sample("1", {}, Choice(("x", "y", "z", "w"), 0))
FILLER = "the light falls on the leaves and the water rises in the stem. "


def read(text: str) -> str | None:
    return build_extractor(None, default="letter")(text, PROMPT, SAMPLE)


@pytest.mark.parametrize("behind", [0, 3, 5, 20])
def test_an_announcement_is_found_however_far_from_the_end(behind: int) -> None:
    assert read(FILLER * 12 + "The answer is C. " + FILLER * behind) == "C"


@pytest.mark.parametrize("behind", range(270, 310))
def test_two_letters_announced_together_are_none_wherever_the_end_begins(behind: int) -> None:
    # the letters lie on both sides of the place from which the end is looked at
    assert read(FILLER * 12 + "The answer is B or C" + " " + ("and so on " * 40)[:behind]) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("So, the correct option is (B).", "B"),
        ("Option D is the correct answer.", "D"),
        ("Option D is correct", "D"),
        ("The answer is: A", "A"),
        ("Final answer: C.\n", "C"),
        ("The answer is E.", None),
        ("Option D is incorrect.", None),
        ("The answer is not B.", None),
    ],
)
def test_short_sentences(text: str, letter: str | None) -> None:
    assert read(text) == letter
