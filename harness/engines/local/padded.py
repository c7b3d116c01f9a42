"""The padded level: batches through the model's own attention, what they share read once. No torch.

For models that cannot run packed. Guarantees: each job gets one outcome; rows leave the batch as they end, and where
lengths may be unequal others take their places; a batch that does not fit into memory is halved until it does, and only
a job that does not fit alone is refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, takewhile

from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.memory import is_out_of_memory, release
from harness.engines.hf.token_jobs import GenerateJob, Job, Outcome, Refused, ScoreJob
from harness.engines.local.padded_batch import PaddedBatch, PaddedModel, PrefixCache
from harness.engines.local.prefix_tree import (
    PrefixNode,
    SequenceGroup,
    SequenceState,
    assign_prefixes,
    sequence_groups,
    sequences_of,
)
from harness.engines.local.sampling import sample_all, score_last
from harness.engines.local.stop_check import ScoreCollector, Scores, StopChecker

# Logits that are held at once for continuations: half a gigabyte in float32
MOST_LOGITS = 2**27
TOO_LARGE = "the request alone does not fit into the device's memory"


class PaddedMode:
    """One model, run in padded batches over shared prefixes."""

    def __init__(self, model: HFModel, rows: int) -> None:
        """`rows` stand in a batch at most."""
        self._model = model
        self._calls = PaddedModel(model.model, model.device)
        self._most = rows

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        gathered = {job.key: ScoreCollector(job) for job in jobs if isinstance(job, ScoreJob)}
        prefixes = _PrefixCaches(self._calls)
        for segment, same in groupby(assign_prefixes(sequence_groups(jobs)), key=lambda unit: unit.prefix):
            units = list(same)
            try:
                prefix, known, seconds = prefixes.of(segment)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                # Each reads it for itself then, in as small batches as it takes
                self._forget_prefix(units)
                prefixes = _PrefixCaches(self._calls)
                prefix, known, seconds = prefixes.of(None)
            for number, unit in enumerate(units):
                unit.seconds += seconds / len(units)
                unit.cached = len(prefix.ids) if number else known
            yield from self._generate(prefix, [unit for unit in units if isinstance(unit.job, GenerateJob)])
            for unit in units:
                if isinstance(unit.job, ScoreJob):
                    yield from self._score(prefix, unit, gathered[unit.job.key])

    def close(self) -> None:
        """Nothing is held between two answers."""

    def _forget_prefix(self, units: Sequence[SequenceGroup]) -> None:
        release(self._model.device)
        for unit in units:
            unit.prefix = None

    def _generate(self, prefix: PrefixCache, units: Sequence[SequenceGroup]) -> Iterator[Outcome]:
        waiting = [row for unit in units for row in sequences_of(unit)]
        # The longest first; a batch of equal lengths only where the cache demands it
        waiting.sort(key=lambda row: -len(row.ids))
        endings = StopChecker(self._model.encoder, self._model.end_ids)
        most, batch = self._most, None
        while waiting or batch is not None:
            started = time.perf_counter()
            fresh: list[SequenceState] = []
            try:
                if batch is None or (self._calls.unequal and waiting and _count_running(batch) <= most // 2):
                    fresh = self._next_rows(waiting, most - (_count_running(batch) if batch else 0))
                    batch = self._admit(prefix, batch, fresh)
                else:
                    sample_all(self._calls.next(batch), batch.rows)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                again = [*(_running(batch) if batch else []), *fresh]
                batch = None
                release(self._model.device)
                waiting = [*again, *(row for row in waiting if row not in again)]
                if most == 1:
                    yield Refused(waiting.pop(0).unit.job.key, "memory", TOO_LARGE)
                most = max(1, most // 2)
                continue
            waiting = [row for row in waiting if row not in set(fresh)]
            share_of = (time.perf_counter() - started) / len(batch.rows)
            for row in batch.rows:
                row.unit.seconds += share_of
            yield from self._finish_ended(batch, endings)
            batch = _compacted(batch)

    def _next_rows(self, waiting: Sequence[SequenceState], room: int) -> list[SequenceState]:
        """As many of the first rows as there is room for; of one length where lengths must be equal."""
        first = len(waiting[0].ids)
        same = waiting if self._calls.unequal else takewhile(lambda row: len(row.ids) == first, waiting)
        return list(islice(same, max(1, room)))

    def _admit(self, prefix: PrefixCache, batch: PaddedBatch | None, fresh: Sequence[SequenceState]) -> PaddedBatch:
        new, logits = self._calls.start(prefix, fresh)
        rows = list(new.rows)
        if batch is not None:
            batch.keep([place for place, row in enumerate(batch.rows) if not row.done])
            batch.join(new)
        # Last: were there no memory for the above, rows with a token that nobody looked at would start again
        sample_all(logits[:, -1], rows)
        return batch or new

    def _finish_ended(self, batch: PaddedBatch, endings: StopChecker) -> Iterator[Outcome]:
        for row in _running(batch):
            if ending := endings(row):
                row.done = True
                yield endings.outcome(row, ending)

    def _score(self, prefix: PrefixCache, unit: SequenceGroup, gathered: ScoreCollector) -> Iterator[Outcome]:
        rows = sequences_of(unit)
        found: list[Scores] = []
        read = max(map(len, unit.branches))
        most = max(1, min(self._most, MOST_LOGITS // (read * self._model.vocabulary)))
        started = time.perf_counter()
        while len(found) < len(rows):
            try:
                found += self._scores(prefix, unit, self._next_rows(rows[len(found) :], most))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                release(self._model.device)
                if most == 1:
                    if gathered.refuse():
                        yield Refused(unit.job.key, "memory", TOO_LARGE)
                    return
                most = max(1, most // 2)
        unit.seconds += time.perf_counter() - started
        if (outcome := gathered.add(unit, found)) is not None:
            yield outcome

    def _scores(self, prefix: PrefixCache, unit: SequenceGroup, rows: Sequence[SequenceState]) -> list[Scores]:
        branches = [unit.branches[row.branch or 0] for row in rows]
        _, logits = self._calls.start(prefix, rows, keep=max(map(len, branches)))
        return [*score_last(logits, branches)]


class _PrefixCaches:
    """The caches of the chain of segments that is being worked on."""

    def __init__(self, calls: PaddedModel) -> None:
        self._calls = calls
        self._chain: list[tuple[PrefixNode | None, PrefixCache]] = [(None, calls.empty())]

    def of(self, segment: PrefixNode | None) -> tuple[PrefixCache, int, float]:
        """The prefix that ends with `segment`, how many of its ids were there, and the seconds that the rest took."""
        started = time.perf_counter()
        chain = segment.chain() if segment else []
        while self._chain[-1][0] is not None and self._chain[-1][0] not in chain:
            self._chain.pop()
        known = len(self._chain[-1][1].ids)
        for link in chain[len(self._chain) - 1 :]:
            self._chain.append((link, self._calls.extend(self._chain[-1][1], link.ids)))
        return self._chain[-1][1], known, time.perf_counter() - started


def _running(batch: PaddedBatch) -> list[SequenceState]:
    return [row for row in batch.rows if not row.done]


def _count_running(batch: PaddedBatch) -> int:
    return len(_running(batch))


def _compacted(batch: PaddedBatch) -> PaddedBatch | None:
    """The batch without its ended rows once half of it has ended; None when all have."""
    places = [place for place, row in enumerate(batch.rows) if not row.done]
    if not places:
        return None
    if len(places) <= len(batch.rows) // 2:
        try:
            batch.keep(places)
        except RuntimeError as error:
            # It only saves time, and takes a copy
            if not is_out_of_memory(error):
                raise
    return batch
