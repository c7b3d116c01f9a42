"""Token jobs in plain padded batches: what every causal model of transformers can do.

Guarantees: greedy jobs of equal settings share left-padded batches, longest first; sampled ones run alone; a batch
that does not fit into memory is halved until it does, and only a job that does not fit alone is refused.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.memory import is_out_of_memory, release
from harness.engines.hf.rope import longest_at_one_scale
from harness.engines.hf.token_jobs import Generated, GenerateJob, Job, Outcome, Refused, Scored, ScoredRow, ScoreJob


def answer_in_batches(model: HFModel, jobs: Sequence[Job], batch_size: int) -> Iterator[Outcome]:
    """Do each job once."""
    longest = longest_at_one_scale(model.model.config)
    batches: dict[tuple[Any, ...], list[GenerateJob]] = {}
    for job in jobs:
        if isinstance(job, ScoreJob):
            yield _score(model, job, batch_size if longest is None or job.longest <= longest else 1)
        elif job.sampling.temperature > 0:
            yield from _continue(model, [job])
        else:
            # A row beyond the scale would turn all positions of its batch
            alone = job.key if longest is not None and job.longest > longest else None
            batches.setdefault((job.sampling.stop, job.max_new, job.sampling.logprobs, alone), []).append(job)
    for group in batches.values():
        group.sort(key=lambda job: -len(job.ids))
        for start in range(0, len(group), batch_size):
            yield from _continue(model, group[start : start + batch_size])


def _continue(model: HFModel, batch: Sequence[GenerateJob]) -> Iterator[Outcome]:
    """Run one batch; if it does not fit into memory, its halves."""
    started = time.perf_counter()
    try:
        rows = model.generate(batch)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        rows = []
    if rows:
        share = (time.perf_counter() - started) / len(batch)
        for job, row in zip(batch, rows, strict=True):
            yield Generated(job.key, row.ids, row.stopped, row.ended, row.logprobs, seconds=share)
        return
    if len(batch) == 1:
        yield Refused(batch[0].key, "memory", "the request alone does not fit into the device's memory")
        return
    release(model.device)
    half = len(batch) // 2
    yield from _continue(model, batch[:half])
    yield from _continue(model, batch[half:])


def _score(model: HFModel, job: ScoreJob, batch_size: int) -> Outcome:
    started, size = time.perf_counter(), batch_size
    found: list[ScoredRow] = []
    while len(found) < len(job.rows):
        try:
            found += model.score(job.rows[len(found) : len(found) + size])
            continue
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                return Refused(job.key, "memory", "one continuation alone does not fit into memory")
        release(model.device)
        size = max(1, size // 2)
    return Scored(job.key, tuple(found), seconds=time.perf_counter() - started)
