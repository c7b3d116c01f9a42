"""When an answer ends: at a stop string, at an end token, or at its length. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import StopWatch
from harness.engines.hf.token_jobs import Generated, GenerateJob
from harness.engines.local.rows import Row

Ending = Literal["stopped", "ended", "length"]


class Endings:
    """Says whether a row's newest token is its last, and words what became of the row."""

    def __init__(self, encoder: PromptEncoder, end_ids: Sequence[int]) -> None:
        """`end_ids` end every answer."""
        self._encoder = encoder
        self._end_ids = frozenset(end_ids)
        self._watches: dict[Row, StopWatch] = {}

    def __call__(self, row: Row) -> Ending | None:
        """How the row ends with its newest token; None if it goes on. A stop string wins over an end token."""
        job = row.unit.job
        assert isinstance(job, GenerateJob)
        if job.sampling.stop:
            if row not in self._watches:
                self._watches[row] = StopWatch(self._encoder, [job.ids], job.sampling.stop)
            if self._watches[row].look([row.new])[0]:
                return "stopped"
        if row.new[-1] in self._end_ids:
            return "ended"
        return "length" if len(row.new) >= job.max_new else None

    def outcome(self, row: Row, ending: Ending) -> Generated:
        """The result of a row that has ended."""
        self._watches.pop(row, None)
        unit = row.unit
        assert isinstance(unit.job, GenerateJob)
        return Generated(
            unit.job.key,
            tuple(row.new),
            stopped=ending == "stopped",
            ended=ending == "ended",
            logprobs=tuple(row.logprobs) if unit.job.sampling.logprobs else None,
            cached=unit.cached,
            seconds=unit.seconds,
        )
