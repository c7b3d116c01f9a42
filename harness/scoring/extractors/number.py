"""The last (or first) number of the completion: "$70,000." gives "70,000", "12 ..." gives "12", "5 $." gives "5".

A sign, thousands, decimals and fractions belong to the number; currency, percent signs and full stops do not.
`rule: lm_eval` finds what lm-evaluation-harness's flexible extraction for GSM8K finds, to the letter: runs of digits,
separators and dollar signs, so that "$." counts as the last number of "It costs 5 $.". The scorer's `ignore` cleans it
the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scoring.base import Extract
from harness.scoring.extractors.base import NUMBER, pick_match, reading
from harness.scoring.extractors.values import numbers, with_western_digits
from harness.scoring.options import Options


def build(options: Mapping[str, Any]) -> Extract:
    """Options: pick last (default) or first; rule plain (default) or lm_eval; strip_reasoning, reasoning_marks."""
    own = Options(options, "extractor 'number'")
    pick = own.one_of("pick", ("last", "first"), "last")
    rule = own.one_of("rule", ("plain", "lm_eval"), "plain")
    if rule == "lm_eval":
        return reading(own, lambda text, prompt, sample: pick_match(NUMBER, text, pick))
    return reading(own, lambda text, prompt, sample: _number(text, pick))


def _number(text: str, pick: str) -> str | None:
    found = numbers(with_western_digits(text))
    return found[0 if pick == "first" else -1] if found else None
