r"""The answer to a mathematical question, however it was announced. The first of these that is there:

1. the last balanced `\boxed{...}` or `\fbox{...}`; boxes joined by a connector are one answer; placeholders are none,
   and a "final answer is" behind the box, or an answer behind words like "that is wrong", takes its place;
2. `<answer>...</answer>`, or a line `#### ...`;
3. what follows the last "answer is", "answer:", "answer =" and their like in other languages: the value there
   with its unit, or the few words that the answer consists of; a denied value ("is not 72") is none;
4. a line `A: ...` that holds a value, the last value of the last block ```` ```output ````;
5. the value that the text ends with: in the last sentence that has one, a formula before a number.

A completion that is nothing but one expression (`(3, 4)`, `p - q`) is the answer as a whole, before all of these but
the boxes, and so is one of a few words where nothing else is found ("Evelyn").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.scoring.base import Extract
from harness.scoring.extractors.announcements import corrected, spoken_answer
from harness.scoring.extractors.latex import last_box, without_placeholders
from harness.scoring.extractors.values import with_western_digits
from harness.scoring.options import ExtractorOptions, checked_options

# What may be written around an answer that is alone
_AROUND = " \t\n*_`$"
_FUNCTION = r"(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|log|ln|exp|sqrt|pi|infinity|inf"
# A command, a function or a single letter between signs: no word, no equation and no label ("A: 72")
_EXPRESSION = re.compile(
    rf"(?:\\[A-Za-z]+|\\[^A-Za-z]|(?<![A-Za-z])(?:{_FUNCTION}|[A-Za-z])(?![A-Za-z])"
    r"|[\d\s+\-*/^(){}\[\].,;|<>!%'√π∞°≤≥−·×÷_])++"
)
# "no idea", "not sure", "sorry" are no answers; "no" may be one
_FEW_WORDS = re.compile(r"(?i)(?!(?:no|not|cannot)[ -]|sorry|unsure|unclear)[^\W\d_]+(?:[ -][^\W\d_]+){0,2}")
_MOST_ALONE = 120


def build(options: Mapping[str, Any]) -> Extract:
    """Build from ExtractorOptions. Raises ConfigError."""
    checked_options(ExtractorOptions, options, "extractor 'math'")
    return lambda text, prompt, sample: _answer(text)


def _answer(text: str) -> str | None:
    text = with_western_digits(text)
    box = last_box(text)
    if box is None:
        alone = text.strip(_AROUND).rstrip(".!").strip(_AROUND) if len(text) < _MOST_ALONE else ""
        if alone and "\n" not in alone and _EXPRESSION.fullmatch(alone):
            return alone
        spoken = spoken_answer(without_placeholders(text))
        return alone if spoken is None and _FEW_WORDS.fullmatch(alone) else spoken
    return corrected(text[box.end :]) or box.content
