"""HumanEval-X in C++: what the reference evaluation puts around a completion, from the row's parts."""

from __future__ import annotations

import re
from typing import Any

HEADERS = ("stdlib.h", "algorithm", "math.h", "stdio.h", "vector", "string", "climits", "cstring", "iostream")
ENTRY = re.compile(r"\b(\w+)\s*\(")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry`, the function that is asked for, and `prelude`: the prompt behind the reference's includes."""
    given = [f"#include<{name}>\n" for name in HEADERS if f"#include<{name}>" not in row["prompt"]]
    return {**row, "entry": ENTRY.findall(row["declaration"])[-1], "prelude": "".join(given) + row["prompt"]}
