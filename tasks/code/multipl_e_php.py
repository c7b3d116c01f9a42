"""MultiPL-E in PHP: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
    return count(characters($string));
}
function characters($text) {
    return $text === '' ? [] : str_split($text);
}
""",
    "HumanEval_89_encrypt": r"""
    return strtr($s, 'abcdefghijklmnopqrstuvwxyz', 'efghijklmnopqrstuvwxyzabcd');
}
""",
    "HumanEval_95_check_dict_case": r"""
    $all = fn($pattern) => count(preg_grep($pattern, array_keys($dict))) === count($dict);
    return count($dict) > 0 && ($all('/^[a-z]+$/') || $all('/^[A-Z]+$/'));
}
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
