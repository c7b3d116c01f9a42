"""MATH: the right answer is what the solution's box holds, or its boxes where two are one answer."""

from __future__ import annotations

from typing import Any

from harness.scoring.extractors.latex import last_boxed


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `answer`. Raises ValueError for a solution without a box."""
    answer = last_boxed(row["solution"])
    if answer is None:
        raise ValueError("the solution has no box")
    return {**row, "answer": answer}
