"""The fast level: all jobs as one stream of packed steps, continuous batching over prefixes computed once. No torch.

Guarantees: each job gets one outcome; when memory runs out, rows and steps are halved and only what was in flight is
done again; a job that does not fit alone is refused and the rest goes on. While it answers, the model's attention is
ours; between two answers it is its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from harness.engines.hf.memory import is_out_of_memory, release
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.token_jobs import Job, Outcome, Refused, ScoreJob
from harness.engines.local.prefix_tree import assign_prefixes, sequence_groups
from harness.engines.local.runner import Runner
from harness.engines.local.scheduler import Budget, FinishedGroup, Scheduler
from harness.engines.local.stop_check import ScoreCollector, StopChecker

TOO_LARGE = "the request alone does not fit into the device's memory"


class PackedMode:
    """One model, run in packed steps."""

    def __init__(
        self, runner: Runner, encoder: PromptEncoder, end_ids: Sequence[int], budget: Callable[[], Budget]
    ) -> None:
        """`budget` is asked anew for each stream."""
        self._runner = runner
        self._encoder = encoder
        self._end_ids = tuple(end_ids)
        self._budget = budget

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in the order in which they end."""
        endings = StopChecker(self._encoder, self._end_ids)
        scheduler = Scheduler(assign_prefixes(sequence_groups(jobs)), self._budget(), endings)
        gathered = {job.key: ScoreCollector(job) for job in jobs if isinstance(job, ScoreJob)}
        with self._runner.own_attention():
            while (step := scheduler.plan()) is not None:
                started = time.perf_counter()
                moves, freed = scheduler.take_cache_updates()
                try:
                    result = self._runner.run(step, moves, freed)
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    result = None
                if result is None:
                    yield from self._with_less(scheduler, gathered)
                    continue
                for finished in scheduler.apply_results(step, result, time.perf_counter() - started):
                    if (outcome := _outcome(finished, endings, gathered)) is not None:
                        yield outcome

    def close(self) -> None:
        """Let go of the model."""
        self._runner.close()

    def _with_less(self, scheduler: Scheduler, gathered: dict[str, ScoreCollector]) -> Iterator[Outcome]:
        """Go on after memory ran out: with half the budget, or without the job that is too large."""
        self._runner.store.clear()
        release(str(self._runner.device))
        scheduler.restart()
        if scheduler.budget.halve():
            return
        unit = scheduler.drop_first()
        if unit is not None and (unit.job.key not in gathered or gathered[unit.job.key].refuse()):
            yield Refused(unit.job.key, "memory", TOO_LARGE)


def _outcome(finished: FinishedGroup, endings: StopChecker, gathered: dict[str, ScoreCollector]) -> Outcome | None:
    if finished.row is None or finished.ending is None:
        return gathered[finished.unit.job.key].add(finished.unit, finished.scores)
    return endings.outcome(finished.row, finished.ending)
