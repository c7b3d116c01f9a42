"""MultiPL-E in Rust: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
    string.chars().count() as isize
""",
    "HumanEval_89_encrypt": r"""
    s.bytes().map(|c| ((c - b'a' + 4) % 26 + b'a') as char).collect()
""",
    "HumanEval_95_check_dict_case": r"""
    let all = |test: fn(&char) -> bool| dict.keys().all(|key| key.chars().all(|c| test(&c)));
    !dict.is_empty() && (all(|c| c.is_lowercase()) || all(|c| c.is_uppercase()))
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
