"""The packed mode: all jobs as one stream of packed batches, continuous batching over shared prefixes.

Guarantees: each job gets one outcome; when memory runs out, the limits on sequences and tokens are halved and only the
work in flight is repeated; a job that does not fit alone is refused and the rest goes on. While it answers, the model
uses our attention; between two calls it uses its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.engines.hf.memory import is_out_of_memory, release
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.token_jobs import Job, Outcome, Refused, ScoreJob
from harness.engines.local.budget import Budget
from harness.engines.local.drafting import Drafter, NoDrafts
from harness.engines.local.prefix_tree import assign_prefixes, sequence_groups
from harness.engines.local.runner import Runner
from harness.engines.local.scheduler import FinishedGroup, Scheduler
from harness.engines.local.stop_check import ScoreCollector, StopChecker

TOO_LARGE = "the request alone does not fit into the device's memory"


class PackedMode:
    """One model, run in packed batches."""

    def __init__(
        self,
        runner: Runner,
        encoder: PromptEncoder,
        end_ids: Sequence[int],
        budget: Callable[[], Budget],
        drafter: Callable[[], Drafter] = NoDrafts,
    ) -> None:
        """`budget` and `drafter` are called once for each stream."""
        self._runner = runner
        self._encoder = encoder
        self._end_ids = tuple(end_ids)
        self._budget = budget
        self._drafter = drafter
        # Sequences in the latest batch, and tokens of all batches, for those who watch
        self.rows = self.tokens = 0

    @contextmanager
    def guessing(self, drafter: Drafter) -> Iterator[None]:
        """Inside, guesses are those of `drafter`: a check needs some that come true."""
        usual, self._drafter = self._drafter, lambda: drafter
        try:
            yield
        finally:
            self._drafter = usual

    def answer(self, jobs: Sequence[Job], more: Callable[[], Sequence[Job]] | None = None) -> Iterator[Outcome]:
        """Do each job once, in the order in which they finish; `more` returns further jobs, between two batches."""
        stop_checker = StopChecker(self._encoder, self._end_ids)
        groups = assign_prefixes(sequence_groups(jobs))
        scheduler = Scheduler(groups, self._budget(), stop_checker, self._drafter())
        collectors = {job.key: ScoreCollector(job) for job in jobs if isinstance(job, ScoreJob)}
        with self._runner.packed_attention():
            while True:
                if more is not None and (added := more()):
                    scheduler.add(sequence_groups(added))
                    collectors |= {job.key: ScoreCollector(job) for job in added if isinstance(job, ScoreJob)}
                if (batch := scheduler.plan()) is None:
                    break
                self.rows = batch.slots
                started = time.perf_counter()
                moves, freed = scheduler.take_cache_updates()
                try:
                    result = self._runner.run(batch, moves, freed)
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    result = None
                if result is None:
                    yield from self._reduce_budget(scheduler, collectors)
                    continue
                self.tokens += len(batch)
                for finished in scheduler.apply_results(batch, result, time.perf_counter() - started):
                    if (outcome := _outcome(finished, stop_checker, collectors)) is not None:
                        yield outcome
        self.rows = 0

    def close(self) -> None:
        """Release the model."""
        self._runner.close()

    def _reduce_budget(self, scheduler: Scheduler, collectors: dict[str, ScoreCollector]) -> Iterator[Outcome]:
        """Go on after memory ran out: with half the budget, or without the job that is too large."""
        self._runner.kv_cache.clear()
        release(str(self._runner.device))
        scheduler.restart()
        if scheduler.budget.halve():
            return
        group = scheduler.drop_first()
        if group is not None and (group.job.key not in collectors or collectors[group.job.key].refuse()):
            yield Refused(group.job.key, "memory", TOO_LARGE)


def _outcome(
    finished: FinishedGroup, stop_checker: StopChecker, collectors: dict[str, ScoreCollector]
) -> Outcome | None:
    if finished.sequence is None or finished.finish_reason is None:
        return collectors[finished.group.job.key].add(finished.group, finished.scores)
    return stop_checker.outcome(finished.sequence, finished.finish_reason)
