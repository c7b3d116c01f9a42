"""The confidence that a model states in words, for the key `confidence` of a score entry: a number from 0 to 1.

Read is the last number behind a label, one of `words` with a colon or "=", or alone on its line ("Confidence: 80%",
`"confidence": 0.8`), and where nothing is labelled the last that a sentence announces: behind one of `words` ("my
confidence level is 8/10"), or on the same line before "confident", "sure" or "certain" ("I am 80 percent sure"). So a
labelled value stands whatever is said later, and with `labels_only` no sentence is read. The forms are 80 %,
80 percent, 0.8, 8/10, 8 out of 10, 80/100, and behind a word a whole number without any of these too, which is
`out_of` what the page requests (100: "Confidence: 80"). Not read, never guessed: a number outside the scale, a bare 1
where the scale is 100 (1 % or certain?), a range, words ("very sure"), an answer before a label ("18 Confidence: low"),
what a sentence denies ("not 100% sure", "nobody can be 100% certain"), a 95% confidence interval or level.

The statement that is read is no part of the answer: extraction of the answer does not see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from harness.datatypes import Prompt, Sample
from harness.scoring.base import Extract
from harness.scoring.options import ExtractorOptions, NonEmpty, checked_options

_NUMBER = r"(?P<number{0}>\d{{1,3}}(?:[.,]\d{{1,4}})?|[.,]\d{{1,4}})"
_UNIT = r"(?:\s?(?P<percent{0}>\\?%|per\s?cent\b)|\s?(?:/|out of)\s?(?P<whole{0}>\d{{1,4}})(?![\d/]))?"
_VALUE = _NUMBER + _UNIT
# Before its word a number needs a unit or a decimal point: in "Answer: 18 Confidence: 90" the first is the answer
_SHARE = rf"(?=[\d.,]+\s?(?:\\?%|per\s?cent\b|/|out of)|\d?[.,]\d){_VALUE.format(2)}"
# Behind a word that is the label of another value
_LABELS_MORE = (
    r"[\"'*_`]{0,3}\s?[:=(]|\s(?:is|of|score|rating|can\w*|could|would|does|was)\b"
    r"|[\s-](?:levels?|intervals?|limits?|bounds?|bands?|regions?|sets?)\b"
)
# Not within a longer number, and no end of a range
_START, _END = r"(?<![\w.,/%\-–])", r"(?![\w/%]|[.,]\d|\s?[-–]\s?\d|\s?to\s?\d)"
_BETWEEN = r"[\s\"'*_`:=(\[{$<]*"
_FILL = (
    rf"{_BETWEEN}(?:(?:(?:level|score|rating|estimate|in\s(?:this|my|the)\sanswer|of|is|that|at|about|around)\b"
    rf"|\(?0\s?(?:-|–|to)\s?1(?:00?)?\s?%?\)){_BETWEEN}){{0,8}}"
)
# A number that a sentence announces is denied by one of these before it in the sentence: "not 100% sure"
_DENIED = re.compile(
    r"\b(?:not|never|nobody|none|nothing|neither|nor|no\s+[a-z]+|cannot|\w+n['’]?t|hardly|barely|scarcely|rarely|seldom"
    r"|without|less\s+than|far\s+from|unless|whether|were|impossible|unlikely|unable)\b",
    re.IGNORECASE,
)
# Where that sentence, or the part of it that denies, begins
_NEW_SENTENCE = re.compile(r"[.!?](?!\d)|[;\n]|\b(?:but|so|though|yet|however|hence|therefore|thus)\b", re.IGNORECASE)
# The level of an interval or a test, not the model's own: "at a confidence level of 95%"
_OF_A_TEST = re.compile(r"(?:\b(?:the|an?|this|at|using)\s+|%\s*)\w+\s+level\b|\blevel\s+of\b", re.IGNORECASE)


def _label(words: Sequence[str]) -> re.Pattern[str]:
    """A word with its colon or "=", whatever follows."""
    announced = "|".join(map(re.escape, words))
    return re.compile(
        rf"\b(?:{announced})\b(?:[\s\"'*_`]|level|score|rating|\([^)\n]{{0,20}}\)){{0,8}}[:=]", re.IGNORECASE
    )


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    announced = "|".join(map(re.escape, words))
    behind = rf"\b(?:{announced})\b{_FILL}{_START}{_VALUE.format(1)}{_END}"
    before = rf"{_START}{_SHARE}[ \t]?(?:confident|sure|certain|(?:{announced})(?!{_LABELS_MORE}))\b"
    return re.compile(rf"{behind}|{before}", re.IGNORECASE)


def _is_labelled(found: re.Match[str]) -> bool:
    """Whether the number stands behind a word with its colon or "=", or nothing else stands on their lines."""
    if found["number1"] is None:
        return False
    if re.search("[:=]", found.string[found.start() : found.start("number1")]):
        return True
    before = found.string[: found.start()].rpartition("\n")[2]
    after = found.string[found.end() :].partition("\n")[0]
    return not re.search(r"\w", before + after)


def _is_denied(found: re.Match[str]) -> bool:
    """Whether the sentence denies what it announces, or speaks of the level of a test."""
    if _OF_A_TEST.search(found.string, max(0, found.start() - 10), found.start("number1") + 1):
        return True
    at = found.start() if found["number1"] is None else found.start("number1")
    sentence = [0, *(each.end() for each in _NEW_SENTENCE.finditer(found.string, 0, at))][-1]
    return _DENIED.search(found.string, sentence, at) is not None


@dataclass(frozen=True, slots=True)
class StatedConfidence:
    """Reads a stated confidence; `out_of` is the scale of a number without a unit."""

    stated: re.Pattern[str]
    label: re.Pattern[str]
    out_of: int
    labels_only: bool

    def __call__(self, text: str, prompt: Prompt, sample: Sample) -> str | None:
        """Return the confidence as a decimal number; None where none is stated, or none that can be read."""
        read = self._read(text)
        share = None if read is None else self._share(read)
        return None if share is None else f"{share:.6g}"

    def without(self, text: str) -> str:
        """Return the text without the statement that is read."""
        read = self._read(text)
        return text if read is None else text[: read.start()] + text[read.end() :]

    def _read(self, text: str) -> re.Match[str] | None:
        """The last labelled number, else the last announced one; of a text with an unreadable label behind that."""
        found = list(self.stated.finditer(text))
        labelled = [each for each in found if _is_labelled(each)]
        if labelled:
            return labelled[-1]
        behind = max((each.end() for each in self.label.finditer(text)), default=None)
        if behind is None and self.labels_only:
            return None
        start = behind or 0
        # "Confidence: I am 80% sure" is labelled too, as far as its line goes
        line = text.find("\n", start) if self.labels_only else -1
        end = len(text) if line < 0 else line
        announced = [each for each in found if start <= each.start() < end and not _is_denied(each)]
        return announced[-1] if announced else None

    def _share(self, found: re.Match[str]) -> float | None:
        place = "1" if found["number1"] is not None else "2"
        written, percent, whole = (found[part + place] for part in ("number", "percent", "whole"))
        number = float(written.replace(",", "."))
        if percent is not None:
            share = number / 100
        elif whole is not None:
            share = number / int(whole) if int(whole) else -1.0
        elif not written.isdigit():
            # A decimal number up to 1 is a share on every scale; 7.5 is of the page's
            share = number if number <= 1 else number / self.out_of
        elif number == 1 and self.out_of != 1:
            return None
        else:
            share = number / self.out_of
        return share if 0 <= share <= 1 else None


class StatedConfidenceOptions(ExtractorOptions):
    """`out_of`: the scale that the page requests; `words`: what announces it; `labels_only`: in no sentence."""

    out_of: int = Field(100, ge=1, description="the scale of a whole number without a unit: 100, 10, or 1")
    words: list[NonEmpty] = Field(
        ["confidence", "certainty"],
        min_length=1,
        description="words that announce it; `probability` fits no questions about probabilities",
    )
    labels_only: bool = Field(False, description="read it behind a label only, as in `Confidence: 80%`, in no sentence")


def build(options: Mapping[str, Any]) -> Extract:
    """Build from StatedConfidenceOptions. Raises ConfigError."""
    chosen = checked_options(StatedConfidenceOptions, options, "extractor 'stated_confidence'")
    return StatedConfidence(_pattern(chosen.words), _label(chosen.words), chosen.out_of, chosen.labels_only)
