"""The ways in which models usually write an answer, by its kind: what a page's extraction should read.

A page may rightly read only one form ("strict"); so what is not read is reported, not refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping

from harness.datatypes import Answer, Choice, Sample, Tests

LETTERS = string.ascii_uppercase
_NUMBER = re.compile(r"[-+]?\$?\d[\d,]*(?:\.\d+)?%?")
FENCE = "```"


def phrasings(sample: Sample) -> dict[str, str]:
    """Name -> completion that is right, in the usual wordings of the reference's kind; none for a text."""
    reference = sample.reference
    if isinstance(reference, Choice):
        return _of_letter(LETTERS[reference.gold], reference.options[reference.gold])
    if isinstance(reference, Answer):
        return _of_answer(reference.values[0].strip())
    if isinstance(reference, Tests) and sample.gold:
        return _of_program(sample.gold, reference.language)
    return {}


def _of_answer(answer: str) -> dict[str, str]:
    usual: Mapping[str, str] = {
        "alone": answer,
        "a full stop": f"{answer}.",
        "a sentence": f"The answer is {answer}.",
        "a sentence behind steps": f"First we take 3 steps, then 2 more.\nSo the answer is {answer}.",
        "bold": f"The answer is **{answer}**.",
        "boxed": f"The final answer is $\\boxed{{{answer}}}$.",
        "a last line": f"We work it out.\n\nAnswer: {answer}",
    }
    more = {"with a unit": f"The answer is {answer} apples."} if _NUMBER.fullmatch(answer) else {}
    return {**usual, **more}


def _of_letter(letter: str, option: str) -> dict[str, str]:
    return {
        "alone": letter,
        "a full stop": f"{letter}.",
        "in brackets": f"({letter})",
        "a sentence": f"The answer is {letter}.",
        "a sentence in brackets": f"The correct answer is ({letter}).",
        "with its text": f"{letter}. {option}",
        "bold": f"The answer is **{letter}**.",
        "boxed": f"The answer is $\\boxed{{{letter}}}$.",
        "a last line": f"We look at each option.\n\nAnswer: {letter}",
    }


def _of_program(program: str, language: str) -> dict[str, str]:
    fenced = f"{FENCE}{language}\n{program.strip(chr(10))}\n{FENCE}"
    return {
        "in a fence": fenced,
        "a fence in prose": f"Here is the solution:\n\n{fenced}\n\nIt goes through the input once.",
    }
