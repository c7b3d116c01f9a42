r"""The answer to a mathematical question, however it was announced. The first of these that is there:

1. the last balanced `\boxed{...}` or `\fbox{...}`; boxes joined by a connector are one answer; placeholders are none,
   and a "final answer is" behind the box, or an answer behind words like "that is wrong", takes its place;
2. `<answer>...</answer>`, or a line `#### ...`;
3. what follows the last "answer is", "answer:", "answer =" and their like in other languages: the value there
   with its unit, or the few words that the answer consists of; a denied value ("is not 72") is none;
4. a line `A: ...` that holds a value, the last value of the last block ```` ```output ````;
5. the value that the text ends with: in the last sentence that has one, a formula before a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scoring.base import Extract, ExtractorOptions, checked_options
from harness.scoring.extractors.announcements import corrected, spoken_answer
from harness.scoring.extractors.latex import last_box
from harness.scoring.extractors.values import with_western_digits


def build(options: Mapping[str, Any]) -> Extract:
    """Build from ExtractorOptions. Raises ConfigError."""
    checked_options(ExtractorOptions, options, "extractor 'math'")
    return lambda text, prompt, sample: _answer(text)


def _answer(text: str) -> str | None:
    text = with_western_digits(text)
    box = last_box(text)
    if box is None:
        return spoken_answer(text)
    return corrected(text[box.end :]) or box.content
