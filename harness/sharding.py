"""A shard of a planned run: its samples, and what of the whole run it has to know.

Guarantees: the shards of a run have each request of the whole run once, under the same key, in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.config.shard import Shard
from harness.datatypes import GenerateRequest, Request, Sample
from harness.store.shard import TaskPart, part_of


@dataclass(frozen=True, slots=True)
class Part:
    """A shard of a run. `tasks`: its samples, by task; `greedy`: the keys of all greedy requests of the whole run."""

    shard: Shard
    tasks: Mapping[str, TaskPart]
    greedy: tuple[str, ...]


def of_task(
    shard: Shard, task: str, samples: Sequence[Sample], requests: Sequence[Request]
) -> tuple[tuple[Sample, ...], tuple[Request, ...], TaskPart]:
    """Return the samples and requests of a task that are in the shard, and which these are."""
    own = tuple(sample for sample in samples if shard.takes(task, sample))
    names = frozenset(sample.id for sample in own)
    part = part_of([sample.id for sample in samples], [sample.id for sample in own])
    return own, tuple(request for request in requests if request.sample_id in names), part


def is_greedy(request: Request) -> bool:
    """Whether the request generates with temperature 0: only such an answer should be the same again."""
    return isinstance(request, GenerateRequest) and request.sampling.temperature == 0
