"""MathQA: the five options, which the data writes in one text: "a ) 38 , b ) 27.675 , c ) 30 , d ) 24 , e ) none"."""

from __future__ import annotations

import re
from typing import Any

# lm-evaluation-harness's, so that both read the same options: a comma and a blank end an option, the text ends the last
_OPTION = re.compile(r"[abcd] \) .*?, |e \) .*?$")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `choices`, the options' texts. Raises ValueError where there are not five."""
    choices = [found[len("a ) ") :].rstrip(" ,") for found in _OPTION.findall(row["options"])]
    if len(choices) != 5:
        raise ValueError(f"{len(choices)} options are read from {row['options']!r}, not 5")
    return {**row, "choices": choices}
