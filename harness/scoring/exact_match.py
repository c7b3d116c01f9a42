"""The extracted answer is one of the right ones, letter by letter, after the page's clean-up of both sides.

With the same patterns it gives the numbers of lm-evaluation-harness's `exact_match`: each `ignore` pattern is
removed from both sides in turn, then case is dropped, then white space around is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from harness.datatypes import Completion, Likelihood, Prompt, Sample, Score, Tests, Text
from harness.scoring.base import Extract, Scorer, Tools
from harness.scoring.extraction import (
    NEEDS_TEXT,
    build_extractor,
    full_text,
    misused,
    no_digit,
    right_answers,
    unanswered,
)
from harness.scoring.options import Options

_NUMBER = re.compile(r"\s*\$?\s*([-+]?)\$?((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)\s*%?\s*\.?\s*")


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is dropped from both sides before they are compared."""

    ignore: tuple[re.Pattern[str], ...] = ()
    ignore_case: bool = False
    numeric: bool = False

    def same(self, answer: str, gold: str) -> bool:
        """Tell whether two answers are the same; as numbers where both are and `numeric` is set."""
        answer, gold = self.cleaned(answer), self.cleaned(gold)
        if self.numeric and (left := as_number(answer)) is not None and (right := as_number(gold)) is not None:
            return left == right
        return answer == gold

    def cleaned(self, text: str) -> str:
        """Return what is compared: the text without what is ignored."""
        for pattern in self.ignore:
            text = pattern.sub("", text)
        return (text.lower() if self.ignore_case else text).strip()

    def vote(self, text: str) -> str:
        """Return the form in which equal answers are the same text, for majority votes."""
        text = self.cleaned(text)
        number = as_number(text) if self.numeric else None
        return text if number is None else format(number.normalize(), "f")


def as_number(text: str) -> Decimal | None:
    """Read "70,000", "$70000.0", "-3." or ".5"; a percent sign is dropped. None for anything else."""
    found = _NUMBER.fullmatch(text)
    return Decimal(found.group(1) + found.group(2).replace(",", "")) if found else None


@dataclass(slots=True)
class ExactMatch:
    """Judges by equality of texts."""

    name: str
    extract: Extract
    cleaning: Cleaning
    binary: bool = True

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Score 1 where any right answer is the same as the extracted one."""
        if not isinstance(reply, Completion):
            return misused(self.name, NEEDS_TEXT)
        if isinstance(sample.reference, Text):
            return misused(self.name, "the reference is a text (`by: text_likelihood` scores its likelihood)")
        if isinstance(sample.reference, Tests):
            return misused(self.name, "the reference is tests (`by: unit_tests` runs them)")
        answer = self.extract(full_text(prompt, reply), prompt, sample)
        if answer is None:
            return unanswered(self.name, reply)
        golds = right_answers(sample.reference)
        hit = any(self.cleaning.same(answer, gold) for gold in golds)
        said = "is" if hit else "is not"
        told = f"{answer!r} {said} {' or '.join(map(repr, golds))}"
        return Score(
            self.name, float(hit), answer, told, detail={"vote": self.cleaning.vote(answer), **no_digit(answer, golds)}
        )


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Options: name; extract (default text); ignore_case; ignore (patterns); numeric (70,000 is 70000.0)."""
    own = Options(options, "scorer 'exact_match'")
    name = own.text("name", "exact_match")
    extract = build_extractor(own.get("extract"), default="text")
    cleaning = Cleaning(own.patterns("ignore"), own.flag("ignore_case", False), own.flag("numeric", False))
    own.done()
    return ExactMatch(name, extract, cleaning)
