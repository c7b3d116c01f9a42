"""What waiting jobs have in common: their token ids as a tree whose inner nodes are computed once. No torch.

A `SequenceGroup` is what is computed in one go: a generation, or the continuations that share one context. The ids before its
last prompt token may be shared; a `PrefixNode` is a run of ids that several units start with. Guarantees: a unit's
segments, one after the other, are exactly the first ids of its prompt (never across different ids); at least one
prompt token stays the unit's own, since its logits are needed; units come back in an order in which each segment's
users stand together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from harness.engines.hf.token_jobs import GenerateJob, Job, ScoreJob

# Below these a segment costs more (attention in one more piece, every step) than it saves
LEAST_LENGTH = 16
LEAST_SAVED = 96


@dataclass(slots=True, eq=False)
class PrefixNode:
    """Token ids at positions `start` to `end` of every prompt below it. `waiting` users have not ended yet.

    `planned` counts ids that a step was made for: their keys and values are stored from then on.
    """

    ids: tuple[int, ...]
    start: int
    parent: PrefixNode | None
    users: int
    waiting: int = 0
    planned: int = 0
    seconds: float = 0.0
    claimed: bool = False

    @property
    def end(self) -> int:
        """Position after its last id."""
        return self.start + len(self.ids)

    def chain(self) -> list[PrefixNode]:
        """From the root down to this segment."""
        found: list[PrefixNode] = []
        node: PrefixNode | None = self
        while node is not None:
            found.append(node)
            node = node.parent
        return found[::-1]


@dataclass(slots=True, eq=False)
class SequenceGroup:
    """A job, or the part of a score job whose rows have one context.

    `prompt` are all ids before the first new or scored token. `branches` (score only): continuations' ids, and for each
    of them the numbers of the job's rows that it stands for. `seconds` is its share of the engine's time, `cached` how
    many prompt ids had been computed for another unit.
    """

    job: Job
    prompt: tuple[int, ...]
    branches: tuple[tuple[int, ...], ...] = ()
    rows: tuple[tuple[int, ...], ...] = ()
    prefix: PrefixNode | None = None
    seconds: float = 0.0
    cached: int = 0

    @property
    def own(self) -> tuple[int, ...]:
        """Prompt ids behind the shared ones; never empty."""
        return self.prompt[self.start :]

    @property
    def start(self) -> int:
        """Position of the first own id."""
        return self.prefix.end if self.prefix else 0


def sequence_groups(jobs: Sequence[Job]) -> list[SequenceGroup]:
    """Cut jobs into units: one a generation, one for each context of a score job."""
    found = []
    for job in jobs:
        if isinstance(job, GenerateJob):
            found.append(SequenceGroup(job, job.ids))
        else:
            found += _score_units(job)
    return found


def assign_prefixes(units: Sequence[SequenceGroup]) -> list[SequenceGroup]:
    """Give each unit its chain of segments; return the units in the order of a walk through the tree.

    Under one segment the longest come first, since they run longest.
    """
    units = sorted(units, key=lambda unit: unit.prompt[:-1])
    common = [_common(a.prompt[:-1], b.prompt[:-1]) for a, b in pairwise(units)]
    ordered: list[SequenceGroup] = []
    # A group of neighbours, the segment that all of them stand under, and where it ends
    stack = [_Group(0, len(units), None, 0)] if units else []
    while stack:
        group = stack.pop()
        inner = common[group.low : group.high - 1]
        depth = min(inner) if inner else 0
        count = group.high - group.low
        prefix, covered = group.prefix, group.covered
        length = depth - covered
        if count > 1 and length >= LEAST_LENGTH and length * (count - 1) >= LEAST_SAVED:
            prefix = PrefixNode(units[group.low].prompt[covered:depth], covered, prefix, count, count)
            covered = depth
        children = _split(group, common, depth) if count > 1 else []
        if len(children) > 1 and not all(child.high - child.low == 1 for child in children):
            stack += [_Group(child.low, child.high, prefix, covered) for child in _longest_last(children, units)]
            continue
        own = units[group.low : group.high]
        for unit in own:
            unit.prefix = prefix
        ordered += sorted(own, key=lambda unit: -len(unit.prompt))
    return ordered


@dataclass(frozen=True, slots=True)
class _Group:
    low: int
    high: int
    prefix: PrefixNode | None = field(default=None)
    covered: int = 0


def _split(group: _Group, common: Sequence[int], depth: int) -> list[_Group]:
    """Cut a group where neighbours have no more in common than all have."""
    cuts = [place + 1 for place in range(group.low, group.high - 1) if common[place] == depth]
    edges = [group.low, *cuts, group.high]
    return [_Group(low, high) for low, high in pairwise(edges)]


def _longest_last(children: list[_Group], units: Sequence[SequenceGroup]) -> list[_Group]:
    """For a stack: what is popped first has the longest prompt."""
    return sorted(children, key=lambda child: max(len(unit.prompt) for unit in units[child.low : child.high]))


def _score_units(job: ScoreJob) -> list[SequenceGroup]:
    by_context: dict[tuple[int, ...], dict[tuple[int, ...], list[int]]] = {}
    for number, (context, continuation) in enumerate(job.rows):
        by_context.setdefault(context, {}).setdefault(continuation, []).append(number)
    return [
        SequenceGroup(job, context, tuple(branches), tuple(tuple(numbers) for numbers in branches.values()))
        for context, branches in by_context.items()
    ]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common start."""
    shorter = min(len(a), len(b))
    if a[:shorter] == b[:shorter]:
        return shorter
    low, high = 0, shorter
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(slots=True, eq=False)
class SequenceState:
    """`ids` are its own tokens, prompt and new ones; keys and values of the first `planned` are or will be stored.

    A row that scores has `branch`, the number of the unit's branch: the ids behind the prompt are given, not chosen.
    `done`: its answer has ended, though it may still stand in a batch.
    """

    unit: SequenceGroup
    ids: list[int]
    branch: int | None = None
    planned: int = 0
    new: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    done: bool = False

    @property
    def pending(self) -> int:
        """Ids that no step was made for."""
        return len(self.ids) - self.planned

    @property
    def longest(self) -> int:
        """Most own tokens that it may come to hold."""
        job = self.unit.job
        room = job.max_new - len(self.new) if isinstance(job, GenerateJob) else 0
        return len(self.ids) + room


def sequences_of(unit: SequenceGroup) -> list[SequenceState]:
    """One row for a generation, one a branch for what is too long to be scored in one block."""
    if isinstance(unit.job, GenerateJob):
        return [SequenceState(unit, list(unit.own))]
    return [SequenceState(unit, [*unit.own, *branch[:-1]], number) for number, branch in enumerate(unit.branches)]
