"""MultiPL-E in C++: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
    return string.length();
""",
    "HumanEval_89_encrypt": r"""
    for (auto &c : s) c = 'a' + (c - 'a' + 4) % 26;
    return s;
""",
    "HumanEval_95_check_dict_case": r"""
    if (dict.empty()) return false;
    bool lower = true, upper = true;
    for (auto &pair : dict)
        for (unsigned char c : pair.first) {
            if (!std::islower(c)) lower = false;
            if (!std::isupper(c)) upper = false;
        }
    return lower || upper;
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
