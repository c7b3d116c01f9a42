"""The completion after a chain of small steps, each on what the one before it left; nothing else is trimmed.

No step takes the completion to the letter, with the white space around it. Each entry of `steps` is one of

    {regex: PATTERN, pick: -1, fallback: TEXT}  the match of that number (0 first, -1 last), trimmed
    {cut: TEXT}         what comes before the text, all where it is not there
    {prepend: TEXT}     the text in front
    {case: lower}       or upper
    {strip: true}       without the white space around it
    {map: {A: B}, default: TEXT}  another text for each

Of a match the answer is the first group that matched something, or all of it where the pattern has no group. `regex`
without a match gives `fallback`, and no answer where there is none; `map` likewise. `keep: true` in a `regex` keeps
white space around the match. These are the filters of lm-evaluation-harness: the same chain gives the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import model_validator

from harness.config.section import Section
from harness.scoring.base import Extract
from harness.scoring.options import ExtractorOptions, Pattern, checked_options

Change = Callable[[str], str | None]


class Step(Section):
    """One step: exactly one of regex, cut, prepend, case, strip, map."""

    regex: Pattern | None = None
    pick: int = 0
    keep: bool = False
    fallback: str | None = None
    cut: str | None = None
    prepend: str | None = None
    case: Literal["lower", "upper"] | None = None
    strip: Literal[True] | None = None
    map: dict[str, str] | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        kinds = (self.regex, self.cut, self.prepend, self.case, self.strip, self.map)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("each step has exactly one of regex, cut, prepend, case, strip, map")
        if self.cut == "":
            raise ValueError("`cut` needs a text")
        return self


class StepsOptions(ExtractorOptions):
    """`steps`: what is done to the completion, in order."""

    steps: list[Step]


def build(options: Mapping[str, Any]) -> Extract:
    """Build from StepsOptions. Raises ConfigError."""
    chosen = checked_options(StepsOptions, options, "extractor 'steps'")
    changes = [_change(step) for step in chosen.steps]
    return lambda text, prompt, sample: _after(changes, text)


def _after(changes: Sequence[Change], text: str) -> str | None:
    left: str | None = text
    for change in changes:
        if left is None:
            return None
        left = change(left)
    return left


def _change(step: Step) -> Change:
    if step.regex is not None:
        return lambda text: _found(step, text)
    if (mark := step.cut) is not None:
        return lambda text: text.partition(mark)[0]
    if (before := step.prepend) is not None:
        return lambda text: before + text
    if step.case is not None:
        return str.lower if step.case == "lower" else str.upper
    if (table := step.map) is not None:
        return lambda text: table.get(text, step.default)
    return str.strip


def _found(step: Step, text: str) -> str | None:
    assert step.regex is not None
    matches = list(step.regex.finditer(text))
    if not -len(matches) <= step.pick < len(matches):
        return step.fallback
    match = matches[step.pick]
    if step.regex.groups > 1:
        found = next((part for part in match.groups() if part), None)
        if found is None:
            return step.fallback
    else:
        found = match.group(step.regex.groups) or ""
    return found if step.keep else found.strip()
