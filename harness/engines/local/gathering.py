"""A score job put together from its contexts, which are computed one by one. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.engines.hf.token_jobs import Scored, ScoredRow, ScoreJob
from harness.engines.local.prefixes import Unit

# (log-probability, was it the likeliest) of each token of a continuation
Scores = Sequence[tuple[float, bool]]


@dataclass(slots=True)
class Gathered:
    """What is known of a job so far."""

    job: ScoreJob
    rows: dict[int, ScoredRow] = field(default_factory=dict)
    cached: int = 0
    seconds: float = 0.0
    refused: bool = False

    def add(self, unit: Unit, scores: Sequence[Scores]) -> Scored | None:
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
