"""Jobs that no replica has yet: what shares a prefix stays together, and any replica can take what is left. No torch.

The jobs, in the order of the prefix tree, are cut into blocks of about equal work, a few for each replica. A replica
takes its hands from its own block, then from a new one; when there is none left, from half of another's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from harness.engines.hf.token_jobs import GenerateJob, Job
from harness.engines.local.prefix_tree import assign_prefixes, sequence_groups

# Fewer blocks keep prefixes together, more even out what cannot be known before: how long the completions get
BLOCKS_PER_REPLICA = 4


class WaitingJobs:
    """The jobs that wait, by block."""

    def __init__(self, jobs: Sequence[Job], replicas: int = 1) -> None:
        """Order and cut the jobs of a stream for about so many replicas."""
        self._lost: deque[Job] = deque()
        self._blocks = deque(_blocks(jobs, replicas * BLOCKS_PER_REPLICA))
        self._own: dict[str, deque[Job]] = {}
        self._count = len(jobs)

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Jobs of a lost replica: they are next."""
        before = len(self._lost)
        self._lost.extend(jobs)
        self._count += len(self._lost) - before

    def take(self, replica: str, count: int) -> list[Job]:
        """The next jobs for a replica, so many at most."""
        taken: list[Job] = []
        while len(taken) < count and len(taken) < self._count:
            source = self._source(replica)
            while source and len(taken) < count:
                taken.append(source.popleft())
        self._count -= len(taken)
        return taken

    def _source(self, replica: str) -> deque[Job]:
        """Where a replica's next job is: never empty while any job waits."""
        if self._lost:
            return self._lost
        if not self._own.get(replica):
            self._own[replica] = self._blocks.popleft() if self._blocks else self._half_of_largest()
        return self._own[replica]

    def _half_of_largest(self) -> deque[Job]:
        """The last half of what waits for one replica; a block of a replica that is gone is taken like any other."""
        largest = max(self._own.values(), key=len)
        return deque(reversed([largest.pop() for _ in range((len(largest) + 1) // 2)]))


def _blocks(jobs: Sequence[Job], count: int) -> list[deque[Job]]:
    """Cut jobs into runs of about equal work, neighbours in the prefix tree together; the longest jobs first."""
    ordered = list({group.job.key: group.job for group in assign_prefixes(sequence_groups(jobs))}.values())
    whole = sum(_work(job) for job in ordered)
    blocks: list[deque[Job]] = [deque() for _ in range(count)]
    done = 0
    for job in ordered:
        blocks[min(count - 1, done * count // max(1, whole))].append(job)
        done += _work(job)
    filled = [block for block in blocks if block]
    return sorted(filled, key=lambda block: -max(_longest(job) for job in block))


def _work(job: Job) -> int:
    """Steps of the model, roughly: a new token is a step, prompt tokens go many to a step."""
    if isinstance(job, GenerateJob):
        return job.max_new + len(job.ids) // 16 + 1
    return 1 + sum(len(continuation) for _, continuation in job.rows) // 16


def _longest(job: Job) -> int:
    """New tokens that a job may need, one after the other: such jobs should not come last."""
    return job.max_new if isinstance(job, GenerateJob) else 1
