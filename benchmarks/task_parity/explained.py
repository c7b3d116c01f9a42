"""What `pages.yaml` says of each page, and whether it is true: every difference explained, no explanation left over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from task_parity.comparison import Result

FILE = Path(__file__).with_name("pages.yaml")
ASPECTS = {"not compared", "prompts", "chat", "settings", "scores", "log-likelihoods"}
RIGHT = {"ours", "theirs", "both", "neither"}


def read() -> dict[str, Any]:
    """Return `aliases` of data sets, `num_fewshot` of tasks, `recorded` completions and `pages`.

    Raises SystemExit for a wrong key.
    """
    from ruamel.yaml import YAML

    known: dict[str, Any] = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    for page, entry in known["pages"].items():
        if wrong := entry.keys() - {"scores", "values", "task", "apart", "differences"}:
            raise SystemExit(f"{FILE.name}: {page}: unknown key {min(wrong)!r}")
        for each in entry.get("differences", []):
            if each.keys() - {"aspect", "kinds", "why", "right"} or each["aspect"] not in ASPECTS:
                raise SystemExit(
                    f"{FILE.name}: {page}: a difference has aspect ({', '.join(ASPECTS)}), kinds, why, right"
                )
            if each["right"] not in RIGHT:
                raise SystemExit(f"{FILE.name}: {page}: `right` is one of {', '.join(RIGHT)}")
    return known


def explanations(result: Result, entry: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return (what differs without an explanation, explanations of what does not differ)."""
    differs = result.differences()
    explained: dict[str, set[str]] = {}
    stale = []
    for each in entry.get("differences", []):
        kinds = set(each.get("kinds", [""]))
        explained.setdefault(each["aspect"], set()).update(kinds)
        for kind in sorted(kinds - differs.get(each["aspect"], set())):
            stale.append(f"{each['aspect']}{f' ({kind})' if kind else ''}")
    unexplained = [
        f"{aspect}{f' ({kind})' if kind else ''}"
        for aspect, kinds in differs.items()
        for kind in sorted(kinds - explained.get(aspect, set()))
    ]
    return unexplained, stale


def reasons(entry: Mapping[str, Any]) -> str:
    """Return the differences of a page and who is right, as a sentence each."""
    return " ".join(
        f"{each['aspect'].capitalize()}: {each['why']} Right: {each['right']}." for each in entry.get("differences", [])
    )
