"""MATH: the right answer is what the last box of the solution holds."""

from __future__ import annotations

from typing import Any

from harness.scoring.maths.minerva import last_box

# Subject -> how lm-evaluation-harness abbreviates it in the names of its tasks
PARTS = {
    "counting_and_probability": "counting_and_prob",
    "number_theory": "num_theory",
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `answer` and `part`, the subject as the reference's tasks name it.

    Raises ValueError for a solution without a box.
    """
    answer = last_box(row["solution"])
    if answer is None:
        raise ValueError("the solution has no box")
    return {**row, "answer": answer, "part": PARTS.get(row["config"], row["config"])}
