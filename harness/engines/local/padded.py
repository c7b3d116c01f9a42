"""The padded mode: batches through the model's own attention, with a shared prefix read once. No torch.

For models that cannot run packed. Guarantees: each job gets one outcome; sequences leave the batch as they finish, and
where lengths may be unequal others take their places; a batch that does not fit into memory is halved until it does,
and only a job that does not fit alone is refused.
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

# Logits computed at once for continuations: half a gigabyte in float32
MOST_LOGITS = 2**27
TOO_LARGE = "the request alone does not fit into the device's memory"


class PaddedMode:
    """One model, run in padded batches over shared prefixes."""

    def __init__(self, model: HFModel, batch_size: int) -> None:
        """`batch_size` is the largest batch."""
        self._model = model
        self._padded_model = PaddedModel(model.model, model.device)
        self._batch_size = batch_size

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        collectors = {job.key: ScoreCollector(job) for job in jobs if isinstance(job, ScoreJob)}
        prefixes = _PrefixCaches(self._padded_model)
        for node, members in groupby(assign_prefixes(sequence_groups(jobs)), key=lambda group: group.prefix):
            groups = list(members)
            try:
                prefix, cached, seconds = prefixes.of(node)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                # Then each group reads the prefix by itself, in as small batches as needed
                self._forget_prefix(groups)
                prefixes = _PrefixCaches(self._padded_model)
                prefix, cached, seconds = prefixes.of(None)
            for number, group in enumerate(groups):
                group.seconds += seconds / len(groups)
                group.cached = len(prefix.ids) if number else cached
            yield from self._generate(prefix, [group for group in groups if isinstance(group.job, GenerateJob)])
            for group in groups:
                if isinstance(group.job, ScoreJob):
                    yield from self._score(prefix, group, collectors[group.job.key])

    def close(self) -> None:
        """Nothing is kept between two calls of `answer`."""

    def _forget_prefix(self, groups: Sequence[SequenceGroup]) -> None:
        release(self._model.device)
        for group in groups:
            group.prefix = None

    def _generate(self, prefix: PrefixCache, groups: Sequence[SequenceGroup]) -> Iterator[Outcome]:
        waiting = [sequence for group in groups for sequence in sequences_of(group)]
        # The longest first; a batch of equal lengths only where the cache needs it
        waiting.sort(key=lambda sequence: -len(sequence.ids))
        stop_checker = StopChecker(self._model.encoder, self._model.end_ids)
        limit, batch = self._batch_size, None
        while waiting or batch is not None:
            started = time.perf_counter()
            admitted: list[SequenceState] = []
            try:
                if batch is None or (self._padded_model.unequal and waiting and _count_running(batch) <= limit // 2):
                    admitted = self._next_sequences(waiting, limit - (_count_running(batch) if batch else 0))
                    batch = self._admit(prefix, batch, admitted)
                else:
                    sample_all(self._padded_model.next(batch), batch.sequences)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                # Once each: where memory ran out after the join, those admitted are in the batch already
                retried = list(dict.fromkeys([*(_running(batch) if batch else []), *admitted]))
                batch = None
                release(self._model.device)
                waiting = [*retried, *(sequence for sequence in waiting if sequence not in retried)]
                if limit == 1:
                    yield Refused(waiting.pop(0).group.job.key, "memory", TOO_LARGE)
                limit = max(1, limit // 2)
                continue
            waiting = [sequence for sequence in waiting if sequence not in set(admitted)]
            share = (time.perf_counter() - started) / len(batch.sequences)
            for sequence in batch.sequences:
                sequence.group.seconds += share
            yield from self._finish_ended(batch, stop_checker)
            batch = _compacted(batch)

    def _next_sequences(self, waiting: Sequence[SequenceState], free: int) -> list[SequenceState]:
        """As many of the first sequences as fit; of one length where lengths must be equal."""
        first = len(waiting[0].ids)
        members = (
            waiting if self._padded_model.unequal else takewhile(lambda sequence: len(sequence.ids) == first, waiting)
        )
        return list(islice(members, max(1, free)))

    def _admit(self, prefix: PrefixCache, batch: PaddedBatch | None, admitted: Sequence[SequenceState]) -> PaddedBatch:
        new, logits = self._padded_model.start(prefix, admitted)
        sequences = list(new.sequences)
        if batch is not None:
            batch.keep([index for index, sequence in enumerate(batch.sequences) if not sequence.done])
            batch.join(new)
        # Last: if memory ran out above, sequences whose new token was not checked for stops would start again
        sample_all(logits[:, -1], sequences)
        return batch or new

    def _finish_ended(self, batch: PaddedBatch, stop_checker: StopChecker) -> Iterator[Outcome]:
        for sequence in _running(batch):
            if finish_reason := stop_checker(sequence):
                sequence.done = True
                yield stop_checker.outcome(sequence, finish_reason)

    def _score(self, prefix: PrefixCache, group: SequenceGroup, collector: ScoreCollector) -> Iterator[Outcome]:
        sequences = sequences_of(group)
        scores: list[Scores] = []
        longest = max(map(len, group.branches))
        limit = max(1, min(self._batch_size, MOST_LOGITS // (longest * self._model.vocabulary)))
        started = time.perf_counter()
        while len(scores) < len(sequences):
            try:
                scores += self._scores(prefix, group, self._next_sequences(sequences[len(scores) :], limit))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                release(self._model.device)
                if limit == 1:
                    if collector.refuse():
                        yield Refused(group.job.key, "memory", TOO_LARGE)
                    return
                limit = max(1, limit // 2)
        group.seconds += time.perf_counter() - started
        if (outcome := collector.add(group, scores)) is not None:
            yield outcome

    def _scores(self, prefix: PrefixCache, group: SequenceGroup, sequences: Sequence[SequenceState]) -> list[Scores]:
        branches = [group.branches[sequence.branch or 0] for sequence in sequences]
        _, logits = self._padded_model.start(prefix, sequences, keep=max(map(len, branches)))
        return [*score_last(logits, branches)]


class _PrefixCaches:
    """The caches of the chain of prefix nodes in use."""

    def __init__(self, padded_model: PaddedModel) -> None:
        self._padded_model = padded_model
        self._chain: list[tuple[PrefixNode | None, PrefixCache]] = [(None, padded_model.empty())]

    def of(self, node: PrefixNode | None) -> tuple[PrefixCache, int, float]:
        """The cache that ends with `node`, how many of its ids were cached already, and the seconds for the rest."""
        started = time.perf_counter()
        chain = node.chain() if node else []
        while self._chain[-1][0] is not None and self._chain[-1][0] not in chain:
            self._chain.pop()
        cached = len(self._chain[-1][1].ids)
        for link in chain[len(self._chain) - 1 :]:
            self._chain.append((link, self._padded_model.extend(self._chain[-1][1], link.ids)))
        return self._chain[-1][1], cached, time.perf_counter() - started


def _running(batch: PaddedBatch) -> list[SequenceState]:
    return [sequence for sequence in batch.sequences if not sequence.done]


def _count_running(batch: PaddedBatch) -> int:
    return len(_running(batch))


def _compacted(batch: PaddedBatch) -> PaddedBatch | None:
    """The batch without its finished sequences once half of it has finished; None when all have."""
    running = [index for index, sequence in enumerate(batch.sequences) if not sequence.done]
    if not running:
        return None
    if len(running) <= len(batch.sequences) // 2:
        try:
            batch.keep(running)
        except RuntimeError as error:
            # Compacting only saves time, and needs memory for a copy
            if not is_out_of_memory(error):
                raise
    return batch
