"""Variants of a row that are stories of this project, labelled by the story."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from harness.perturb.base import Variant
from harness.perturb.question_rows import QuestionRow
from harness.perturb.stories import told
from harness.perturb.structure import Calculation

# Before the story's name in a label
STORY = "story-"


def stories_of(row: QuestionRow, calculations: Sequence[Calculation], draws: int, random: Random) -> list[Variant]:
    """Return up to `draws` variants of the same structure. Raises NotRecognised where there is none."""
    # A story asks for all of the calculation: of a part of it, it would be another question
    row.refuse_other_calculation(calculations)
    return [
        Variant(
            row.rewritten(found.text, found.steps),
            f"{STORY}{found.story.name}",
            cluster=found.story.name,
            sizes=found.numbers,
        )
        for found in told(calculations, draws, random)
    ]
