"""`--perturb numbers`: word problems with other numbers, whose answers are computed.

A question keeps its words where each number of its solution is traced to the text (label `redrawn`). Where that is not
certain but the steps are known, a question of the same structure takes its place, in words of this project (label
`story-NAME`); the two kinds are reported apart. What is neither is left out with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from harness.config.task_page import TaskPage
from harness.errors import ConfigError
from harness.perturb.base import LeftOut, Original, Perturbation, PerturbOptions, Variant
from harness.perturb.question_rows import QuestionRow, parts_of
from harness.perturb.redraw import redrawn
from harness.perturb.retold import stories_of
from harness.perturb.structure import NotRecognised, linked

# Raised whenever a change of the rules may change a question
VERSION = 2
REDRAWN = "redrawn"


@dataclass(frozen=True, slots=True)
class Numbers:
    """Redraws the numbers of a question."""

    about: str = "other numbers"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The version of the rules."""
        return {"by": "numbers", "version": VERSION}

    def refusal(self, page: TaskPage) -> str:
        """Return why a task has no word problems with answers that are numbers."""
        return "" if page.reference.answer is not None else "it has no answers, so no numbers to compute"

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Redraw the numbers. Raises DataError where the page's `perturb` names no column of the row."""
        try:
            row = QuestionRow(original.columns, parts_of(original.page, original.columns))
            calculations = row.calculations()
        except NotRecognised as reason:
            return LeftOut(str(reason))
        try:
            return [
                Variant(row.rewritten(found.text, found.steps), REDRAWN, sizes=found.numbers)
                for found in redrawn(linked(row.text, calculations), draws, random)
            ]
        except NotRecognised as reason:
            try:
                return stories_of(row, calculations, draws, random)
            except NotRecognised:
                # Why its own words could not stay, which is the more common case
                return LeftOut(str(reason))


def build(options: PerturbOptions) -> Perturbation:
    """Build the perturbation. Raises ConfigError for a file, which it does not read."""
    if options.file is not None:
        raise ConfigError("--perturb numbers makes its questions itself: leave out --perturb-file")
    return Numbers()
