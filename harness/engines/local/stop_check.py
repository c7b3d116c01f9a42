"""When an answer ends: at a stop string, at an end token, or at its length. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import StopWatch
from harness.engines.hf.token_jobs import Generated, GenerateJob, Scored, ScoredRow, ScoreJob
from harness.engines.local.prefix_tree import SequenceGroup, SequenceState

FinishReason = Literal["stopped", "ended", "length"]


class StopChecker:
    """Says whether a row's newest token is its last, and words what became of the row."""

    def __init__(self, encoder: PromptEncoder, end_ids: Sequence[int]) -> None:
        """`end_ids` end every answer."""
        self._encoder = encoder
        self._end_ids = frozenset(end_ids)
        self._watches: dict[SequenceState, StopWatch] = {}

    def __call__(self, row: SequenceState) -> FinishReason | None:
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

    def outcome(self, row: SequenceState, ending: FinishReason) -> Generated:
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


# (log-probability, was it the likeliest) of each token of a continuation
Scores = Sequence[tuple[float, bool]]


@dataclass(slots=True)
class ScoreCollector:
    """What is known of a job so far."""

    job: ScoreJob
    rows: dict[int, ScoredRow] = field(default_factory=dict)
    cached: int = 0
    seconds: float = 0.0
    refused: bool = False

    def add(self, unit: SequenceGroup, scores: Sequence[Scores]) -> Scored | None:
        """Take one context's scores, one entry a branch; return the outcome when all contexts are there."""
        # Contexts of one job are cut from the same prompt
        self.cached = max(self.cached, unit.cached)
        self.seconds += unit.seconds
        for numbers, tokens in zip(unit.rows, scores, strict=True):
            row = ScoredRow(tuple(logprob for logprob, _ in tokens), all(best for _, best in tokens))
            self.rows |= dict.fromkeys(numbers, row)
        if len(self.rows) < len(self.job.rows) or self.refused:
            return None
        rows = tuple(self.rows[number] for number in range(len(self.rows)))
        return Scored(self.job.key, rows, self.cached, self.seconds)

    def refuse(self) -> bool:
        """Give the job up; True the first time."""
        first, self.refused = not self.refused, True
        return first
