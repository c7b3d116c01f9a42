"""MultiPL-E in JavaScript: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
  return string.length;
}
""",
    "HumanEval_89_encrypt": r"""
  return [...s].map((c) => String.fromCharCode(97 + ((c.charCodeAt(0) - 97 + 4) % 26))).join('');
}
""",
    "HumanEval_95_check_dict_case": r"""
  const keys = Object.keys(dict);
  const all = (pattern) => keys.every((key) => pattern.test(key));
  return keys.length > 0 && (all(/^[a-z]+$/) || all(/^[A-Z]+$/));
}
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
