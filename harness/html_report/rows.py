"""Runs -> rows of samples: one for each sample and try of a task, with the record of each run that has it.

Works on records without texts; says which rows a page keeps where it cannot hold all.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.selection import kinds_of
from harness.datatypes import Record
from harness.html_report.document import ReportRun

# Of what a page cannot hold whole, the part that it holds is chosen with this seed: the same runs, the same page
SEED = 0

Interest = Literal["differ", "lost", "rest"]
# In the order in which they are kept. differ: by some scorer; lost: an answer is wrong, cut off, unscored
INTERESTS: tuple[Interest, ...] = ("differ", "lost", "rest")


@dataclass(frozen=True, slots=True)
class Row:
    """One sample and try. `order`: its place in the table; `cells`: for each run its record without texts, or None."""

    order: int
    task: str
    sample_id: str
    repeat: int
    cells: tuple[Record | None, ...]

    @property
    def interest(self) -> Interest:
        """Why a reader would look at it."""
        records = [record for record in self.cells if record is not None]
        scores = [(score.scorer, score.value) for record in records for score in record.scores]
        values = {(scorer, value) for scorer, value in scores if value is not None}
        if len(values) > len({scorer for scorer, _ in values}):
            return "differ"
        return "lost" if any(map(kinds_of, records)) else "rest"


def rows_of(runs: Sequence[ReportRun]) -> list[Row]:
    """Join the records of the runs by task, sample and repeat: tasks and samples in the order in which runs have them.

    Runs record their samples in the order of their answers, so samples are sorted by id: numbers as numbers.
    """
    cells: dict[tuple[str, str, int], list[Record | None]] = {}
    for place, run in enumerate(runs):
        for record in run.records:
            request = record.request
            key = (request.task, request.sample_id, request.repeat)
            cells.setdefault(key, [None] * len(runs))[place] = record
    tasks = {task: place for place, task in enumerate(dict.fromkeys(task for task, _, _ in cells))}
    ordered = sorted(cells, key=lambda key: (tasks[key[0]], *_sortable(key[1]), key[2]))
    return [Row(place, *key, tuple(cells[key])) for place, key in enumerate(ordered)]


def by_interest(rows: Sequence[Row]) -> list[Row]:
    """The rows in the order in which a page takes them: what runs differ on, what was lost, the rest; each shuffled.

    The order within each is random with SEED, so that a part of them is a fair part.
    """
    shuffled = list(rows)
    random.Random(SEED).shuffle(shuffled)
    ranks = {row.order: INTERESTS.index(row.interest) for row in shuffled}
    return sorted(shuffled, key=lambda row: ranks[row.order])


def _sortable(sample_id: str) -> tuple[int, int, str]:
    number = len(sample_id) < 19 and sample_id.isascii() and sample_id.isdigit()
    return (0, int(sample_id), sample_id) if number else (1, 0, sample_id)
