"""What waiting jobs share: their token ids as a prefix tree whose inner nodes are computed once. No torch.

A `SequenceGroup` is computed as one: a generation, or the continuations that share one context. All ids but the last
of its prompt may be shared; a `PrefixNode` is a run of ids that several groups start with. Guarantees: a group's nodes,
concatenated, are exactly the first ids of its prompt; at least one prompt token stays the group's own, since its logits
are needed; groups come back in an order in which the users of each node are neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from harness.engines.hf.token_jobs import GenerateJob, Job, ScoreJob

# Below these a node costs more (one more piece of attention in every batch) than it saves
LEAST_LENGTH = 16
LEAST_SAVED = 96


@dataclass(slots=True, eq=False)
class PrefixNode:
    """Token ids at positions `start` to `end` of every prompt below it. `waiting` users have not finished yet.

    `planned` counts the ids that are in a planned batch: their keys and values are stored from then on.
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
        """The nodes from the root down to this one."""
        nodes: list[PrefixNode] = []
        node: PrefixNode | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


@dataclass(slots=True, eq=False)
class SequenceGroup:
    """A job, or the part of a score job that has one context.

    `prompt` holds all ids before the first new or scored token. `branches` (score only) are the continuations' ids,
    `row_numbers` for each of them the rows of the job with that continuation. `seconds` is its share of the engine's
    time, `cached` the number of prompt ids that had been computed for another group.
    """

    job: Job
    prompt: tuple[int, ...]
    branches: tuple[tuple[int, ...], ...] = ()
    row_numbers: tuple[tuple[int, ...], ...] = ()
    prefix: PrefixNode | None = None
    seconds: float = 0.0
    cached: int = 0

    @property
    def suffix(self) -> tuple[int, ...]:
        """Prompt ids after the shared prefix; never empty."""
        return self.prompt[self.start :]

    @property
    def start(self) -> int:
        """Position of the first id of the suffix."""
        return self.prefix.end if self.prefix else 0


def sequence_groups(jobs: Sequence[Job]) -> list[SequenceGroup]:
    """Split jobs into groups: one per generation, one per context of a score job."""
    groups: list[SequenceGroup] = []
    for job in jobs:
        if isinstance(job, GenerateJob):
            groups.append(SequenceGroup(job, job.ids))
        else:
            groups += _score_groups(job)
    return groups


def assign_prefixes(groups: Sequence[SequenceGroup], node: PrefixNode | None = None) -> list[SequenceGroup]:
    """Give each group its prefix nodes; return the groups in depth-first order of the tree.

    Below one node the longest come first, since they run longest. `node`: one that all of them are below already.
    """
    groups = sorted(groups, key=lambda group: group.prompt[:-1])
    shared_lengths = [_common_length(a.prompt[:-1], b.prompt[:-1]) for a, b in pairwise(groups)]
    ordered: list[SequenceGroup] = []
    # Neighbouring groups, the node that all of them are below, and the position where it ends
    stack = [_Span(0, len(groups), node, node.end if node else 0)] if groups else []
    while stack:
        span = stack.pop()
        inner = shared_lengths[span.low : span.high - 1]
        depth = min(inner) if inner else 0
        count = span.high - span.low
        prefix, covered = span.prefix, span.covered
        length = depth - covered
        if count > 1 and length >= LEAST_LENGTH and length * (count - 1) >= LEAST_SAVED:
            prefix = PrefixNode(groups[span.low].prompt[covered:depth], covered, prefix, count, count)
            covered = depth
        children = _split(span, shared_lengths, depth) if count > 1 else []
        if len(children) > 1 and not all(child.high - child.low == 1 for child in children):
            stack += [_Span(child.low, child.high, prefix, covered) for child in _longest_last(children, groups)]
            continue
        members = groups[span.low : span.high]
        for group in members:
            group.prefix = prefix
        ordered += sorted(members, key=lambda group: -len(group.prompt))
    return ordered


@dataclass(frozen=True, slots=True)
class _Span:
    low: int
    high: int
    prefix: PrefixNode | None = field(default=None)
    covered: int = 0


def _split(span: _Span, shared_lengths: Sequence[int], depth: int) -> list[_Span]:
    """Split a span where neighbours share no more than all of it shares."""
    cuts = [index + 1 for index in range(span.low, span.high - 1) if shared_lengths[index] == depth]
    edges = [span.low, *cuts, span.high]
    return [_Span(low, high) for low, high in pairwise(edges)]


def _longest_last(children: list[_Span], groups: Sequence[SequenceGroup]) -> list[_Span]:
    """In the order of a stack: the span popped first has the longest prompt."""
    return sorted(children, key=lambda child: max(len(group.prompt) for group in groups[child.low : child.high]))


def _score_groups(job: ScoreJob) -> list[SequenceGroup]:
    by_context: dict[tuple[int, ...], dict[tuple[int, ...], list[int]]] = {}
    for number, (context, continuation) in enumerate(job.rows):
        by_context.setdefault(context, {}).setdefault(continuation, []).append(number)
    return [
        SequenceGroup(job, context, tuple(branches), tuple(tuple(numbers) for numbers in branches.values()))
        for context, branches in by_context.items()
    ]


def _common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """Length of the common prefix."""
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
    """A sequence in progress: `ids` are its own tokens, prompt suffix and new ones.

    The keys and values of the first `planned` are stored, or will be by the planned batch. A scored sequence has
    `branch`, the number of the group's branch: its ids are given, not sampled. `draft`: guessed next tokens in the
    planned batch, counted in `planned`. `done`: it has finished, though it may still be in a padded batch.
    """

    group: SequenceGroup
    ids: list[int]
    branch: int | None = None
    planned: int = 0
    new: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    draft: Sequence[int] = ()
    done: bool = False

    @property
    def pending(self) -> int:
        """Ids that are in no batch yet."""
        return len(self.ids) - self.planned

    @property
    def longest(self) -> int:
        """The most tokens of its own that it may come to have."""
        job = self.group.job
        room = job.max_new - len(self.new) if isinstance(job, GenerateJob) else 0
        return len(self.ids) + room


def sequences_of(group: SequenceGroup) -> list[SequenceState]:
    """One sequence for a generation; one per branch of a group that is too long to be scored as one block."""
    if isinstance(group.job, GenerateJob):
        return [SequenceState(group, list(group.suffix))]
    return [SequenceState(group, [*group.suffix, *branch[:-1]], number) for number, branch in enumerate(group.branches)]
