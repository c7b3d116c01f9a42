"""AQuA: the options without the letters that the data writes before them."""

from __future__ import annotations

from typing import Any


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `choices`: "A)5 km" is "5 km". Raises ValueError for an option without its letter."""
    choices = []
    for letter, option in zip("ABCDE", row["options"], strict=True):
        if not option.startswith(f"{letter})"):
            raise ValueError(f"the option {option!r} does not begin with {letter})")
        choices.append(option[2:].strip())
    return {**row, "choices": choices}
