"""HumanEval-X in Java: what the reference evaluation puts around a completion, from the row's parts."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry`, the method that is asked for, and `prelude`, the prompt."""
    return {**row, "entry": ENTRY.findall(row["declaration"])[-1], "prelude": row["prompt"]}
