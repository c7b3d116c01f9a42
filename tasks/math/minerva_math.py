"""MATH: the right answer is what the last box of the solution holds, or all boxes together."""

from __future__ import annotations

from typing import Any

from harness.scoring.maths.minerva import right_answers

# Subject -> how lm-evaluation-harness abbreviates it in the names of its tasks
PARTS = {
    "counting_and_probability": "counting_and_prob",
    "number_theory": "num_theory",
    "precalculus": "precalc",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `answers` and `part`, the subject as the reference's tasks name it.

    Raises ValueError for a solution without a box.
    """
    return {**row, "answers": right_answers(row["solution"]), "part": PARTS.get(row["config"], row["config"])}
