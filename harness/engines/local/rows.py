"""A sequence that holds a slot of the cache while it is generated or scored. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.prefixes import Unit


@dataclass(slots=True, eq=False)
class Row:
    """`ids` are its own tokens, prompt and new ones; keys and values of the first `planned` are or will be stored.

    A row that scores has `branch`, the number of the unit's branch: the ids behind the prompt are given, not chosen.
    `done`: its answer has ended, though it may still stand in a batch.
    """

    unit: Unit
    ids: list[int]
    branch: int | None = None
    planned: int = 0
    new: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    done: bool = False

    @property
    def pending(self) -> int:
        """Ids that no step was made for."""
        return len(self.ids) - self.planned

    @property
    def longest(self) -> int:
        """Most own tokens that it may come to hold."""
        job = self.unit.job
        room = job.max_new - len(self.new) if isinstance(job, GenerateJob) else 0
        return len(self.ids) + room


def rows_of(unit: Unit) -> list[Row]:
    """One row for a generation, one a branch for what is too long to be scored in one block."""
    if isinstance(unit.job, GenerateJob):
        return [Row(unit, list(unit.own))]
    return [Row(unit, [*unit.own, *branch[:-1]], number) for number, branch in enumerate(unit.branches)]
