"""MultiPL-E in Bash: the name of the function that is asked for, and solutions of the first rows."""

from __future__ import annotations

import re
from typing import Any

ENTRY = re.compile(r"(\w+)\s*\(")
# As completions of the text prompt; other rows have none
SOLUTIONS = {
    "HumanEval_23_strlen": r"""
    echo "${#1}"
""",
    "HumanEval_89_encrypt": r"""
    tr a-z e-za-d <<< "$1"
""",
    "HumanEval_95_check_dict_case": r"""
    local key rest lower=true upper=true some=false
    while IFS=, read -r key rest; do
        [[ -z $key ]] && continue
        some=true
        [[ $key =~ ^[[:lower:]]+$ ]] || lower=false
        [[ $key =~ ^[[:upper:]]+$ ]] || upper=false
    done < <(printf '%b\n' "$1")
    if [[ $some = true && ( $lower = true || $upper = true ) ]]; then echo true; else echo false; fi
""",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `entry` and `solution`."""
    found = ENTRY.search(row["prompt"].rstrip().splitlines()[-1])
    entry = found.group(1) if found else ""
    return {**row, "entry": entry, "solution": SOLUTIONS.get(row["name"], "").lstrip("\n")}
