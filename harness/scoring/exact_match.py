"""The extracted answer is one of the right ones, letter by letter, after the page's clean-up of both sides.

With the same patterns it gives the numbers of lm-evaluation-harness's `exact_match`: each `ignore` pattern is
removed from both sides in turn, then case is ignored, then punctuation and digits if so set, then white space at the
ends is removed, which that harness does not do (nor does `trim: false`).
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import Field

from harness.datatypes import Answer, Choice, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, no_digit, right_answers
from harness.scoring.options import Pattern, ScorerOptions, checked_options

_NUMBER = re.compile(r"\s*\$?\s*([-+]?)\$?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)\s*%?\s*\.?\s*")


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is dropped from both sides before they are compared."""

    ignore: tuple[re.Pattern[str], ...] = ()
    ignore_case: bool = False
    numeric: bool = False
    dropped: str = ""
    trim: bool = True

    def same(self, answer: str, gold: str) -> bool:
        """Whether two answers are the same; as numbers where both are and `numeric` is set."""
        answer, gold = self.cleaned(answer), self.cleaned(gold)
        if self.numeric and (left := as_number(answer)) is not None and (right := as_number(gold)) is not None:
            return left == right
        return answer == gold

    def cleaned(self, text: str) -> str:
        """Return what is compared: the text without what is ignored."""
        for pattern in self.ignore:
            text = pattern.sub("", text)
        text = text.lower() if self.ignore_case else text
        if self.dropped:
            text = text.translate(str.maketrans("", "", self.dropped))
        return text.strip() if self.trim else text

    def vote(self, text: str) -> str:
        """Return the form in which equal answers are the same text, for majority votes."""
        text = self.cleaned(text)
        number = as_number(text) if self.numeric else None
        return text if number is None else format(number.normalize(), "f")


def as_number(text: str) -> Decimal | None:
    """Read "70,000", "$70000.0", "-3." or ".5"; a percent sign is dropped. None for anything else."""
    match = _NUMBER.fullmatch(text)
    return Decimal(match.group(1) + match.group(2).replace(",", "")) if match else None


@dataclass(slots=True)
class ExactMatch:
    """Scores by equality of texts."""

    name: str
    cleaning: Cleaning
    binary: bool = True
    references: tuple[type[Reference], ...] = (Answer, Choice)
    extractor: str = "text"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where any right answer is the same as the extracted one."""
        golds = right_answers(sample.reference)
        hit = any(self.cleaning.same(answer, gold) for gold in golds)
        explanation = f"{answer!r} {'is' if hit else 'is not'} {' or '.join(map(repr, golds))}"
        detail = {"vote": self.cleaning.vote(answer), **no_digit(answer, golds)}
        return Score(self.name, float(hit), answer, explanation, detail=detail)


class ExactMatchOptions(ScorerOptions):
    """`ignore`: patterns that are removed from both sides; `ignore_case`: A is a; `numeric`: 70,000 is 70000.0.

    `ignore_punctuation`: marks of ASCII are removed from both sides; `ignore_digits`: so are its digits; `trim`: so is
    white space at the ends.
    """

    ignore: list[Pattern] = Field([])
    ignore_case: bool = False
    ignore_punctuation: bool = False
    ignore_digits: bool = False
    numeric: bool = False
    trim: bool = True


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ExactMatchOptions. Raises ConfigError."""
    chosen = checked_options(ExactMatchOptions, options, "scorer 'exact_match'")
    dropped = string.punctuation * chosen.ignore_punctuation + string.digits * chosen.ignore_digits
    cleaning = Cleaning(tuple(chosen.ignore), chosen.ignore_case, chosen.numeric, dropped, chosen.trim)
    return ExactMatch(chosen.name, cleaning)
