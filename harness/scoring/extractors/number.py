"""The last (or first) number of the completion: "$70,000." gives "70,000", "12 ..." gives "12", "5 $." gives "5".

A sign, thousands, decimals and fractions belong to the number; currency, percent signs and full stops do not.
`rule: lm_eval` finds what lm-evaluation-harness's flexible extraction for GSM8K finds, to the letter: runs of digits,
separators and dollar signs, so that "$." counts as the last number of "It costs 5 $.". The scorer's `ignore` cleans it
the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from harness.scoring.base import Extract
from harness.scoring.extractors.values import numbers, with_western_digits
from harness.scoring.options import ExtractorOptions, checked_options

# What lm-evaluation-harness calls flexible extraction for word problems: runs of digits, separators and
# dollar signs, or a whole number. Kept to the letter, so that the same completions give the same score.
LM_EVAL = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")


class NumberOptions(ExtractorOptions):
    """`pick`: which number of the completion; `rule`: what a number is."""

    pick: Literal["last", "first"] = "last"
    rule: Literal["plain", "lm_eval"] = "plain"


def build(options: Mapping[str, Any]) -> Extract:
    """Build from NumberOptions. Raises ConfigError."""
    chosen = checked_options(NumberOptions, options, "extractor 'number'")
    place = 0 if chosen.pick == "first" else -1
    find = LM_EVAL.findall if chosen.rule == "lm_eval" else _plain
    return lambda text, prompt, sample: _at(find(text), place)


def _plain(text: str) -> list[str]:
    return numbers(with_western_digits(text))


def _at(matches: list[str], place: int) -> str | None:
    return matches[place] if matches else None
