"""When a completion ends: at a stop string, at an end token, or at its length. No torch."""

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
    """Tests whether a sequence's newest token is its last, and makes the outcome of a finished one."""

    def __init__(self, encoder: PromptEncoder, end_ids: Sequence[int]) -> None:
        """`end_ids` end every completion."""
        self._encoder = encoder
        self._end_ids = frozenset(end_ids)
        self._watches: dict[SequenceState, StopWatch] = {}

    def __call__(self, sequence: SequenceState) -> FinishReason | None:
        """Why the sequence ends with its newest token; None if it goes on. A stop string wins over an end token."""
        job = sequence.group.job
        assert isinstance(job, GenerateJob)
        if job.sampling.stop:
            if sequence not in self._watches:
                self._watches[sequence] = StopWatch(self._encoder, [job.ids], job.sampling.stop)
            if self._watches[sequence].look([sequence.new])[0]:
                return "stopped"
        if sequence.new[-1] in self._end_ids:
            return "ended"
        return "length" if len(sequence.new) >= job.max_new else None

    def outcome(self, sequence: SequenceState, finish_reason: FinishReason) -> Generated:
        """The outcome of a finished sequence."""
        self._watches.pop(sequence, None)
        group = sequence.group
        assert isinstance(group.job, GenerateJob)
        return Generated(
            group.job.key,
            tuple(sequence.new),
            stopped=finish_reason == "stopped",
            ended=finish_reason == "ended",
            logprobs=tuple(sequence.logprobs) if group.job.sampling.logprobs else None,
            cached=group.cached,
            seconds=group.seconds,
        )


# (log-probability, whether it was the most likely token) of each token of a continuation
Scores = Sequence[tuple[float, bool]]


@dataclass(slots=True)
class ScoreCollector:
    """Collects the scores of a job until all its contexts are done."""

    job: ScoreJob
    rows: dict[int, ScoredRow] = field(default_factory=dict)
    cached: int = 0
    seconds: float = 0.0
    refused: bool = False

    def add(self, group: SequenceGroup, scores: Sequence[Scores]) -> Scored | None:
        """Add one context's scores, one entry per branch; return the outcome when all contexts are scored."""
        if self.job.prompts == 1:
            # Its contexts were cut from the same prompt
            self.cached = max(self.cached, group.cached)
        else:
            self.cached += group.cached
        self.seconds += group.seconds
        for numbers, tokens in zip(group.row_numbers, scores, strict=True):
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
