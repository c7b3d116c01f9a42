"""The fast level: all jobs as one stream of packed steps, continuous batching over prefixes computed once. No torch.

Guarantees: each job gets one outcome; when memory runs out, rows and steps are halved and only what was in flight is
done again; a job that does not fit alone is refused and the rest goes on. While it answers, the model's attention is
ours; between two answers it is its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.engines.local.prefixes import Unit, share, units_of
from harness.engines.local.rows import Row
from harness.engines.local.runner import Runner
from harness.engines.local.scheduler import Budget, Ending, Finished, Scheduler
from harness.engines.memory import is_out_of_memory, release
from harness.engines.prompt_encoding import PromptEncoder
from harness.engines.stop_strings import StopWatch
from harness.engines.token_jobs import Generated, GenerateJob, Job, Outcome, Refused, Scored, ScoredRow, ScoreJob

TOO_LARGE = "the request alone does not fit into the device's memory"


class Packed:
    """One model, run in packed steps."""

    def __init__(
        self, runner: Runner, encoder: PromptEncoder, end_ids: Sequence[int], budget: Callable[[], Budget]
    ) -> None:
        """`budget` is asked anew for each stream."""
        self._runner = runner
        self._encoder = encoder
        self._end_ids = frozenset(end_ids)
        self._budget = budget

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in the order in which they end."""
        endings = _Endings(self._encoder, self._end_ids)
        scheduler = Scheduler(share(units_of(jobs)), self._budget(), endings)
        gathered = {job.key: _Gathered(job) for job in jobs if isinstance(job, ScoreJob)}
        with self._runner.engaged():
            while (step := scheduler.plan()) is not None:
                started = time.perf_counter()
                moves, freed = scheduler.take_housekeeping()
                try:
                    result = self._runner.run(step, moves, freed)
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    result = None
                if result is None:
                    yield from self._with_less(scheduler, gathered)
                    continue
                for finished in scheduler.settle(step, result, time.perf_counter() - started):
                    outcome = self._outcome(finished, gathered)
                    if outcome is not None:
                        endings.forget(finished.row)
                        yield outcome

    def close(self) -> None:
        """Let go of the model."""
        self._runner.close()

    def _with_less(self, scheduler: Scheduler, gathered: dict[str, _Gathered]) -> Iterator[Outcome]:
        """Go on after memory ran out: with half the budget, or without the job that is too large."""
        self._runner.store.clear()
        release(str(self._runner.device))
        scheduler.restart()
        if scheduler.budget.halve():
            return
        unit = scheduler.give_up()
        if unit is not None and (unit.job.key not in gathered or gathered[unit.job.key].refuse()):
            yield Refused(unit.job.key, "memory", TOO_LARGE)

    def _outcome(self, finished: Finished, gathered: dict[str, _Gathered]) -> Outcome | None:
        unit, row = finished.unit, finished.row
        if row is None:
            return gathered[unit.job.key].add(finished)
        assert isinstance(unit.job, GenerateJob)
        return Generated(
            unit.job.key,
            tuple(row.new),
            stopped=finished.ending == "stopped",
            ended=finished.ending == "ended",
            logprobs=tuple(row.logprobs) if unit.job.sampling.logprobs else None,
            cached=unit.cached,
            seconds=unit.seconds,
        )


class _Endings:
    """Says whether a row's newest token is its last."""

    def __init__(self, encoder: PromptEncoder, end_ids: frozenset[int]) -> None:
        self._encoder = encoder
        self._end_ids = end_ids
        self._watches: dict[Row, StopWatch] = {}

    def __call__(self, row: Row) -> Ending | None:
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

    def forget(self, row: Row | None) -> None:
        """Drop what is kept of a row."""
        if row is not None:
            self._watches.pop(row, None)


@dataclass(slots=True)
class _Gathered:
    """A score job whose contexts come in one by one."""

    job: ScoreJob
    rows: dict[int, ScoredRow] = field(default_factory=dict)
    cached: int = 0
    seconds: float = 0.0
    refused: bool = False

    def add(self, finished: Finished) -> Scored | None:
        """Take one context's scores; return the outcome when all are there."""
        unit: Unit = finished.unit
        self.cached += unit.cached
        self.seconds += unit.seconds
        for numbers, tokens in zip(unit.rows, finished.scores, strict=True):
            row = ScoredRow(tuple(logprob for logprob, _ in tokens), all(best for _, best in tokens))
            self.rows |= dict.fromkeys(numbers, row)
        if len(self.rows) < len(self.job.rows) or self.refused:
            return None
        return Scored(
            self.job.key, tuple(self.rows[number] for number in range(len(self.rows))), self.cached, self.seconds
        )

    def refuse(self) -> bool:
        """Give the job up; True the first time."""
        first, self.refused = not self.refused, True
        return first
