"""MultiPL-E in Go: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
	return len(myString)
}
""",
    "HumanEval_89_encrypt": r"""
	made := []byte(s)
	for i, c := range made {
		made[i] = 'a' + (c-'a'+4)%26
	}
	return string(made)
}
""",
    "HumanEval_95_check_dict_case": r"""
	lower, upper := len(dict) > 0, len(dict) > 0
	for key := range dict {
		for _, c := range key {
			lower = lower && c >= 'a' && c <= 'z'
			upper = upper && c >= 'A' && c <= 'Z'
		}
	}
	return lower || upper
}
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
