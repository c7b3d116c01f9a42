"""The first or last match of the page's regular expression.

Not guaranteed: a bound on time. A pattern that backtracks without end is the page's own fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from harness.errors import ConfigError
from harness.scoring.base import Extract
from harness.scoring.options import ExtractorOptions, Pattern, checked_options


class RegexOptions(ExtractorOptions):
    """What is looked for, and what of it is the answer.

    `pattern`: the regular expression; `pick`: which of several matches; `group`: the group of the match that is the
    answer; by default the first that matched something, else all.
    """

    pattern: Pattern
    pick: Literal["first", "last"] = "first"
    group: int | None = Field(None, ge=0)


def build(options: Mapping[str, Any]) -> Extract:
    """Build from RegexOptions. Raises ConfigError."""
    chosen = checked_options(RegexOptions, options, "extractor 'regex'")
    pattern, group = chosen.pattern, chosen.group
    if group is not None and group > pattern.groups:
        raise ConfigError(f"extractor 'regex': `group` is {group}, but the pattern has {pattern.groups} groups")
    return lambda text, prompt, sample: _answer(pattern, text, chosen.pick, group)


def _answer(pattern: re.Pattern[str], text: str, pick: str, group: int | None) -> str | None:
    picked = None
    for match in pattern.finditer(text):
        picked = match
        if pick == "first":
            break
    if picked is None:
        return None
    if group is not None or pattern.groups == 0:
        return (picked.group(group or 0) or "").strip()
    return next((part for part in picked.groups() if part), "").strip()
