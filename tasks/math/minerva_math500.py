"""MATH: the right answer is what the last box of the solution holds, or all boxes together."""

from __future__ import annotations

from typing import Any

from harness.scoring.maths.minerva import right_answers


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `answers`. Raises ValueError for a solution without a box."""
    return {**row, "answers": right_answers(row["solution"])}
