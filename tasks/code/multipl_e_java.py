"""MultiPL-E in Java: the name of the function that is asked for, and solutions of the first rows."""

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
        StringBuilder made = new StringBuilder();
        for (char c : s.toCharArray()) made.append((char) ('a' + (c - 'a' + 4) % 26));
        return made.toString();
""",
    "HumanEval_95_check_dict_case": r"""
        if (dict.isEmpty()) return false;
        boolean lower = true, upper = true;
        for (String key : dict.keySet())
            for (char c : key.toCharArray()) {
                lower &= Character.isLowerCase(c);
                upper &= Character.isUpperCase(c);
            }
        return lower || upper;
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
