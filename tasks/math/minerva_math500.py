"""MATH: the right answer is what the last box of the solution holds."""

from __future__ import annotations

from typing import Any

from harness.scoring.maths.minerva import last_box


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `answer`. Raises ValueError for a solution without a box."""
    answer = last_box(row["solution"])
    if answer is None:
        raise ValueError("the solution has no box")
    return {**row, "answer": answer}
