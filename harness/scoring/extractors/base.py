"""What every extractor stands on: reasoning is not the answer, and matches are picked in one way.

Every extractor takes `strip_reasoning` (default true): what is between the marks of reasoning that models use
(harness/reasoning.py has the list) is removed first, and so is everything before a lone closing mark. Reasoning
that was opened, by the model or by the end of the prompt, and never closed means that there is no answer.
`reasoning_marks` adds pairs that only this page's models write: [["<plan>", "</plan>"]]. All passes are linear
in the text.

Not guaranteed: reasoning without a mark, or with one that nothing lists, is part of the answer.
"""

from __future__ import annotations

import re

from harness.datatypes import Prompt, Sample
from harness.errors import ConfigError
from harness.reasoning import without_reasoning
from harness.scoring.base import Extract
from harness.scoring.options import Options

# What lm-evaluation-harness calls flexible extraction for word problems: runs of digits, separators and
# dollar signs, or a whole number. Kept to the letter, so that the same completions give the same score.
NUMBER = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


def reading(options: Options, read: Extract) -> Extract:
    """Finish a build: take the shared options, refuse unknown ones, put the shared steps around `read`."""
    strip = options.flag("strip_reasoning", True)
    marks = _pairs(options)
    options.done()

    def extract(text: str, prompt: Prompt, sample: Sample) -> str | None:
        visible = without_reasoning(text, marks) if strip else text
        if visible is None:
            return None
        return read(visible, prompt, sample) or None

    return extract


def _pairs(options: Options) -> tuple[tuple[str, str], ...]:
    given = options.get("reasoning_marks")
    if given is None:
        return ()
    pairs: list[tuple[str, str]] = []
    for pair in given if isinstance(given, (list, tuple)) else [None]:
        match pair:
            case [str(opening), str(closing)] if opening and closing and opening != closing:
                pairs.append((opening, closing))
            case _:
                raise ConfigError(
                    "`reasoning_marks` must be a list of pairs [opening, closing] of two different texts, "
                    f"not {given!r}"
                )
    return tuple(pairs)


def pick_match(pattern: re.Pattern[str], text: str, pick: str, group: int | None = None) -> str | None:
    """Return the first or last match, stripped; None where there is none or it is empty.

    Without `group` it is the first group that matched something, or the whole match of a pattern without
    groups.
    """
    found = None
    for match in pattern.finditer(text):
        found = match
        if pick == "first":
            break
    if found is None:
        return None
    if group is not None or pattern.groups == 0:
        value = found.group(group or 0)
    else:
        value = next((part for part in found.groups() if part), None)
    return (value or "").strip() or None
