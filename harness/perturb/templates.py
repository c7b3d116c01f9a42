"""`--perturb templates`: each word problem as one of the same structure in words of this project, with other numbers.

`--perturb numbers` does so only where a question cannot keep its words. A lower score here is no sign of memory alone:
the words are others too.
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
from harness.perturb.retold import stories_of
from harness.perturb.structure import NotRecognised

# Raised whenever a change of the rules or of a story may change a question
VERSION = 2


@dataclass(frozen=True, slots=True)
class Templates:
    """Replaces a question by one of the same structure."""

    about: str = "other words and numbers"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The version of the rules and stories."""
        return {"by": "templates", "version": VERSION}

    def refusal(self, page: TaskPage) -> str:
        """Return why a task has no word problems with answers that are numbers."""
        return "" if page.reference.answer is not None else "it has no answers, so no numbers to compute"

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Take stories of the structure. Raises DataError where the page's `perturb` names no column of the row."""
        try:
            row = QuestionRow(original.columns, parts_of(original.page, original.columns))
            return stories_of(row, row.calculations(), draws, random)
        except NotRecognised as reason:
            return LeftOut(str(reason))


def build(options: PerturbOptions) -> Perturbation:
    """Build the perturbation. Raises ConfigError for a file, which it does not read."""
    if options.file is not None:
        raise ConfigError("--perturb templates makes its questions itself: leave out --perturb-file")
    return Templates()
