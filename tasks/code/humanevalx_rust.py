"""HumanEval-X in Rust: what the reference evaluation puts around a completion, from the row's parts."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"fn\s+(\w+)")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry`, the function that is asked for, and `prelude`: the comment, the imports, the signature."""
    return {**row, "entry": ENTRY.findall(row["declaration"])[-1], "prelude": row["prompt"] + row["declaration"]}
