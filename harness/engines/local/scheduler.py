"""Which tokens are computed next: continuous batching over one stream of sequence groups. No torch.

Each batch takes one token of every sequence that is generating, and fills up with prompt tokens of sequences, tokens of
shared prefix nodes and blocks to be scored, so that the batch never drains between tasks. Guarantees: slots 0 to n - 1
hold the sequences, generating ones first; a node is stored before, or in the same batch as, the tokens that attend to
it, and freed with its last user; sequences and stored tokens stay within the budget, unless a single sequence exceeds
it. After `restart` every sequence continues from the tokens that it has; a group is given up only when memory ran out
while nothing else was in the batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.engines.hf.token_jobs import GenerateJob
from harness.engines.local.packed_batch import BatchResult, Chunk, PackedBatch, SamplingQuery, TokenLogprob
from harness.engines.local.prefix_tree import PrefixNode, SequenceGroup, SequenceState, sequences_of
from harness.engines.local.stop_check import FinishReason


@dataclass(slots=True)
class Budget:
    """Limits of a batch and of the cache: tokens and logits per batch, sequences at a time, tokens stored."""

    step_tokens: int
    outputs: int
    max_sequences: int
    stored_tokens: int

    def halve(self) -> bool:
        """Halve the limits; False if nothing is left to halve."""
        if self.max_sequences == 1 and self.step_tokens <= 32 and self.outputs <= 8:
            return False
        self.max_sequences = max(1, self.max_sequences // 2)
        self.step_tokens = min(self.step_tokens, max(32, self.step_tokens // 2))
        self.outputs = min(self.outputs, max(8, self.outputs // 2))
        self.stored_tokens //= 2
        return True


@dataclass(frozen=True, slots=True)
class FinishedGroup:
    """A finished group: a generation's sequence and finish reason, or (logprob, is best) lists, one per branch."""

    group: SequenceGroup
    sequence: SequenceState | None = None
    finish_reason: FinishReason | None = None
    scores: tuple[tuple[tuple[float, bool], ...], ...] = ()


class Scheduler:
    """Plans batches and applies their results."""

    def __init__(
        self,
        groups: Sequence[SequenceGroup],
        budget: Budget,
        stop_checker: Callable[[SequenceState], FinishReason | None],
    ) -> None:
        """`groups` in the order of `assign_prefixes`; `stop_checker` tests a sequence's newest token."""
        self.budget = budget
        self.sequences: list[SequenceState] = []
        self._freed: list[PrefixNode] = []
        self._moves: list[tuple[int, int]] = []
        self._stop_checker = stop_checker
        self._generating = 0
        self._waiting: deque[SequenceState] = deque()
        self._blocks: deque[SequenceGroup] = deque()
        for group in groups:
            if isinstance(group.job, GenerateJob):
                self._waiting += sequences_of(group)
            else:
                self._blocks.append(group)
        self._stored: set[PrefixNode] = set()
        self._scores: dict[SequenceGroup, dict[int, list[tuple[float, bool]]]] = {}
        self._in_batch: list[tuple[SequenceState | PrefixNode | SequenceGroup, int]] = []
        self._one_by_one = self._was_alone = False

    def plan(self) -> PackedBatch | None:
        """Plan the next batch; None when everything is done."""
        batch = self._planned()
        batch.slots, batch.slot_tokens = (
            len(self.sequences),
            max((sequence.planned for sequence in self.sequences), default=0),
        )
        return batch if len(batch) else None

    def _planned(self) -> PackedBatch:
        batch = PackedBatch()
        self._in_batch = []
        for slot, sequence in enumerate(self.sequences[: self._generating]):
            batch.lengths.append(sequence.planned)
            self._add_tokens(batch, sequence, slot, 1)
        batch.decode = self._generating
        for slot in range(self._generating, len(self.sequences)):
            if not self._prefill(batch, slot):
                return batch
        self._admit(batch)
        self._fill(batch)
        return batch

    def apply_results(self, batch: PackedBatch, result: BatchResult, seconds: float) -> Iterator[FinishedGroup]:
        """Apply the results of the planned batch; yield the groups that it finished."""
        seconds_per_token = seconds / len(batch)
        targets = iter(result.targets)
        blocks = []
        for owner, count in self._in_batch:
            if isinstance(owner, PrefixNode):
                owner.seconds += seconds_per_token * count
            elif isinstance(owner, SequenceState):
                owner.group.seconds += seconds_per_token * count
                if owner.branch is not None:
                    scores = self._scores.setdefault(owner.group, {}).setdefault(owner.branch, [])
                    scores += [(t.logprob, t.best) for t in (next(targets) for _ in range(self._scored(owner, count)))]
            else:
                owner.seconds += seconds_per_token * count
                blocks.append(owner)
        yield from self._finish_blocks(blocks, targets)
        ended: list[tuple[int, FinishReason | None]] = []
        for query, sampled in zip(batch.sampling_queries, result.sampled, strict=True):
            sequence = self.sequences[query.slot]
            sequence.ids.append(sampled.token)
            sequence.new.append(sampled.token)
            if sampled.logprob is not None:
                sequence.logprobs.append(sampled.logprob)
            if finish_reason := self._stop_checker(sequence):
                ended.append((query.slot, finish_reason))
        ended += [
            (slot, None)
            for slot, sequence in enumerate(self.sequences)
            if sequence.branch is not None and not sequence.pending
        ]
        self._count_generating()
        # From the last slot down: a move never touches a slot that is still to be cleared
        for slot, finish_reason in sorted(ended, key=lambda item: -item[0]):
            sequence = self.sequences[slot]
            self._remove(slot)
            if finish_reason is not None:
                yield self._finish(FinishedGroup(sequence.group, sequence, finish_reason))
            else:
                yield from self._finish_branch(sequence)

    def take_cache_updates(self) -> tuple[list[tuple[int, int]], list[PrefixNode]]:
        """What the KV cache must do before the planned batch: slots to copy (from, to), in order, and nodes to free."""
        updates = self._moves, self._freed
        self._moves, self._freed = [], []
        return updates

    def restart(self) -> None:
        """Forget everything stored: sequences wait again with the tokens they have, nodes are computed again."""
        in_flight = {sequence.group for sequence in self.sequences} | {
            owner for owner, _ in self._in_batch if isinstance(owner, SequenceGroup)
        }
        for sequence in reversed(self.sequences):
            sequence.planned = 0
            if sequence.branch is not None:
                self._scores.get(sequence.group, {}).pop(sequence.branch, None)
            self._waiting.appendleft(sequence)
        for group in reversed([owner for owner, _ in self._in_batch if isinstance(owner, SequenceGroup)]):
            self._blocks.appendleft(group)
        first = self._first()
        chain = first.prefix.chain() if first and first.prefix else []
        self._was_alone = in_flight <= {first} and all(node in chain for node in self._stored)
        for node in self._stored:
            node.planned = 0
        self.sequences, self._moves, self._freed, self._stored = [], [], [], set()
        self._generating = 0

    def drop_first(self) -> SequenceGroup | None:
        """Remove the first waiting group, which does not fit. None if it was not alone: then it is tried alone next."""
        group = self._first()
        if not self._was_alone:
            self._one_by_one = True
            return None
        if group is not None:
            self._waiting = deque(sequence for sequence in self._waiting if sequence.group is not group)
            self._blocks = deque(other for other in self._blocks if other is not group)
            self._scores.pop(group, None)
            self._release(group)
        return group

    def _first(self) -> SequenceGroup | None:
        return self._waiting[0].group if self._waiting else self._blocks[0] if self._blocks else None

    # --- planning ---------------------------------------------------------------------------------

    def _tokens_left(self, batch: PackedBatch) -> int:
        # Generating sequences never wait for prompts, nor prompts for them: the limit is on what is added
        return max(self.budget.step_tokens, batch.decode + self.budget.step_tokens // 4) - len(batch)

    def _add_tokens(self, batch: PackedBatch, sequence: SequenceState, slot: int, count: int) -> int:
        """Add a sequence's next tokens to the batch, with the outputs that are read from them."""
        start = sequence.group.start + sequence.planned
        first = batch.add(sequence.ids[sequence.planned : sequence.planned + count], start)
        batch.attend_to_prefix(sequence.group.prefix, first, count)
        sequence.planned += count
        self._in_batch.append((sequence, count))
        if sequence.branch is not None:
            wanted = sequence.group.branches[sequence.branch]
            for index in range(sequence.planned - self._scored(sequence, count), sequence.planned):
                output = batch.request_logits(first + index - (sequence.planned - count))
                batch.targets.append((output, wanted[index - len(sequence.group.suffix) + 1]))
        elif not sequence.pending:
            job = sequence.group.job
            assert isinstance(job, GenerateJob)
            batch.sampling_queries.append(
                SamplingQuery(batch.request_logits(first + count - 1), slot, job.sampling, job.seed, len(sequence.new))
            )
        return first

    def _scored(self, sequence: SequenceState, count: int) -> int:
        """How many of the last `count` planned tokens of a scored sequence have a target."""
        return (
            min(count, sequence.planned - len(sequence.group.suffix) + 1)
            if sequence.planned >= len(sequence.group.suffix)
            else 0
        )

    def _prefill(self, batch: PackedBatch, slot: int) -> bool:
        """Add more of a sequence's prompt; False if the batch is full before the prompt is complete."""
        sequence = self.sequences[slot]
        count = min(sequence.pending, self._tokens_left(batch))
        if sequence.branch is not None:
            count = min(count, self.budget.outputs - len(batch.outputs))
        if count > 0:
            past = sequence.planned
            first = self._add_tokens(batch, sequence, slot, count)
            batch.chunks.append(Chunk(first, count, past, slot=slot))
        return not sequence.pending

    def _admit(self, batch: PackedBatch) -> None:
        while self._waiting and self._tokens_left(batch) > 0 and len(batch.outputs) < self.budget.outputs:
            sequence = self._waiting[0]
            if (
                not self._fits(sequence.group, sequence)
                or not self._store_prefix(batch, sequence.group)
                or self._tokens_left(batch) <= 0
            ):
                return
            self._waiting.popleft()
            self.sequences.append(sequence)
            if not self._prefill(batch, len(self.sequences) - 1):
                return

    def _fits(self, group: SequenceGroup, *new: SequenceState) -> bool:
        """Whether a group's nodes, and its new sequences if any, fit into the cache beside what is stored."""
        chain = group.prefix.chain() if group.prefix else []
        if not self.sequences or (not new and all(node in self._stored for node in chain)):
            return True
        stored = sum(len(node.ids) for node in {*self._stored, *chain})
        sequences = [*self.sequences, *new]
        # A slot's tensor has space for 1.5 times the longest sequence
        cells = len(sequences) * max(sequence.longest for sequence in sequences) * 3 // 2
        return len(sequences) <= self.budget.max_sequences and stored + cells <= self.budget.stored_tokens

    def _store_prefix(self, batch: PackedBatch, group: SequenceGroup) -> bool:
        """Add what is missing of a group's prefix nodes; False if the batch is full before they are complete."""
        for node in group.prefix.chain() if group.prefix else []:
            missing = len(node.ids) - node.planned
            count = min(missing, self._tokens_left(batch))
            if count > 0:
                past = node.planned
                first = batch.add(node.ids[past : past + count], node.start + past)
                batch.attend_to_prefix(node.parent, first, count)
                batch.chunks.append(Chunk(first, count, past, node=node))
                node.planned += count
                self._stored.add(node)
                self._in_batch.append((node, count))
            if count < missing:
                return False
        return True

    def _fill(self, batch: PackedBatch) -> None:
        """Add blocks to be scored while they fit; one too large for any batch is split into sequences."""
        while self._blocks and not (self._one_by_one and len(batch)):
            group = self._blocks[0]
            if len(group.suffix) > self.budget.step_tokens // 2:
                # Too long to be read in one batch with its branches: stored first, like a shared prefix
                group.prefix = PrefixNode(group.suffix[:-1], group.start, group.prefix, users=1, waiting=1)
            tokens = len(group.suffix) + sum(len(branch) - 1 for branch in group.branches)
            outputs = 1 + sum(len(branch) - 1 for branch in group.branches)
            if tokens > self.budget.step_tokens or outputs > self.budget.outputs:
                self._waiting += sequences_of(self._blocks.popleft())
                continue
            if self._tokens_left(batch) <= 0 or not self._fits(group) or not self._store_prefix(batch, group):
                break
            if tokens > self._tokens_left(batch) or len(batch.outputs) + outputs > self.budget.outputs:
                break
            self._add_block(batch, self._blocks.popleft())
        if not len(batch):
            self._admit(batch)

    def _add_block(self, batch: PackedBatch, group: SequenceGroup) -> None:
        first = batch.add(group.suffix, group.start)
        trunk_end = batch.request_logits(first + len(group.suffix) - 1)
        branch_of = [0] * len(group.suffix)
        for number, branch in enumerate(group.branches, start=1):
            batch.targets.append((trunk_end, branch[0]))
            start = batch.add(branch[:-1], group.start + len(group.suffix))
            branch_of += [number] * (len(branch) - 1)
            batch.targets += [(batch.request_logits(start + index), token) for index, token in enumerate(branch[1:])]
        count = len(branch_of)
        batch.attend_to_prefix(group.prefix, first, count)
        batch.chunks.append(Chunk(first, count, branch=tuple(branch_of)))
        self._in_batch.append((group, count))

    # --- results ----------------------------------------------------------------------------------

    def _finish_blocks(
        self, blocks: Sequence[SequenceGroup], targets: Iterator[TokenLogprob]
    ) -> Iterator[FinishedGroup]:
        for group in blocks:
            scores = []
            for branch in group.branches:
                logprobs = [next(targets) for _ in branch]
                scores.append(tuple((token.logprob, token.best) for token in logprobs))
            yield self._finish(FinishedGroup(group, scores=tuple(scores)))

    def _finish_branch(self, sequence: SequenceState) -> Iterator[FinishedGroup]:
        # Several sequences of a group may end in one batch: the first of them reports for all
        by_branch = self._scores.get(sequence.group, {})
        complete = [
            number for number, scores in by_branch.items() if len(scores) == len(sequence.group.branches[number])
        ]
        if len(complete) == len(sequence.group.branches):
            del self._scores[sequence.group]
            scores = tuple(tuple(by_branch[number]) for number in range(len(sequence.group.branches)))
            yield self._finish(FinishedGroup(sequence.group, scores=scores))

    def _finish(self, finished: FinishedGroup) -> FinishedGroup:
        self._release(finished.group)
        return finished

    def _release(self, group: SequenceGroup) -> None:
        for node in group.prefix.chain() if group.prefix else []:
            # The first user to finish counts as the one that the node was computed for
            group.cached += len(node.ids) if node.claimed else 0
            node.claimed = True
            group.seconds += node.seconds / node.users
            node.waiting -= 1
            if not node.waiting and node in self._stored:
                self._stored.remove(node)
                self._freed.append(node)

    def _count_generating(self) -> None:
        """Sequences whose prompt is complete come first, since prompts are prefilled in the order of the slots."""
        while self._generating < len(self.sequences) and self.sequences[self._generating].new:
            sequence = self.sequences[self._generating]
            if sequence.pending != 1 or sequence.branch is not None:
                break
            self._generating += 1

    def _remove(self, slot: int) -> None:
        """Clear a slot; the last generating sequence and then the last of all move up."""
        if slot < self._generating:
            self._generating -= 1
            slot = self._move(self._generating, slot)
        self._move(len(self.sequences) - 1, slot)
        self.sequences.pop()

    def _move(self, source: int, target: int) -> int:
        if source != target:
            self.sequences[target] = self.sequences[source]
            self._moves.append((source, target))
        return source
