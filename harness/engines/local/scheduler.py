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
from harness.engines.local.budget import Budget
from harness.engines.local.drafting import Drafter, NoDrafts
from harness.engines.local.packed_batch import (
    BatchResult,
    Chunk,
    PackedBatch,
    SamplingQuery,
    TokenLogprob,
    slot_capacity,
)
from harness.engines.local.prefix_tree import (
    PrefixNode,
    SequenceGroup,
    SequenceState,
    assign_prefixes,
    sequences_of,
)
from harness.engines.local.slots import Slots
from harness.engines.local.stop_check import FinishReason
from harness.engines.local.stored_prefixes import StoredPrefixes


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
        drafter: Drafter | None = None,
    ) -> None:
        """`groups` in the order of `assign_prefixes`; `stop_checker` tests a sequence's newest token."""
        self.budget = budget
        self._drafter = drafter or NoDrafts()
        self._slots = Slots()
        self._stored = StoredPrefixes()
        self._stop_checker = stop_checker
        self._waiting: deque[SequenceState] = deque()
        self._blocks: deque[SequenceGroup] = deque()
        self._queue(groups)
        self._scores: dict[SequenceGroup, dict[int, list[tuple[float, bool]]]] = {}
        self._in_batch: list[tuple[SequenceState | PrefixNode | SequenceGroup, int]] = []
        self._one_by_one = self._was_alone = False

    @property
    def sequences(self) -> list[SequenceState]:
        """The sequences in the cache, by slot."""
        return self._slots.sequences

    def add(self, groups: Sequence[SequenceGroup]) -> None:
        """Take more groups, without prefixes yet; what they share with stored nodes is not computed again."""
        below: dict[PrefixNode | None, list[SequenceGroup]] = {}
        for group in groups:
            below.setdefault(self._stored.deepest(group), []).append(group)
        for node, members in below.items():
            for one in node.chain() if node else []:
                one.users += len(members)
                one.waiting += len(members)
            self._queue(assign_prefixes(members, node))

    def _queue(self, groups: Sequence[SequenceGroup]) -> None:
        for group in groups:
            if isinstance(group.job, GenerateJob):
                self._waiting += sequences_of(group)
            else:
                self._blocks.append(group)

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
        drafts = self._drafts()
        # From the first sequence with a guess on, all are chunks
        batch.decode = next((slot for slot, draft in enumerate(drafts) if draft), self._slots.generating)
        for slot, sequence in enumerate(self.sequences[: self._slots.generating]):
            past = sequence.planned
            if slot < batch.decode:
                batch.lengths.append(past)
            first = self._add_tokens(batch, sequence, slot, 1, drafts[slot])
            if slot >= batch.decode:
                batch.chunks.append(Chunk(first, len(batch) - first, past, slot=slot))
        for slot in range(self._slots.generating, len(self.sequences)):
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
        ended: list[tuple[int, FinishReason | None]] = self._add_sampled(batch, result)
        ended += [
            (slot, None)
            for slot, sequence in enumerate(self.sequences)
            if sequence.branch is not None and not sequence.pending
        ]
        self._slots.count_generating()
        # From the last slot down: a move never touches a slot that is still to be cleared
        for slot, finish_reason in sorted(ended, key=lambda item: -item[0]):
            sequence = self.sequences[slot]
            self._slots.remove(slot)
            if finish_reason is not None:
                self._drafter.finished(sequence)
                yield self._finish(FinishedGroup(sequence.group, sequence, finish_reason))
            else:
                yield from self._finish_branch(sequence)

    def take_cache_updates(self) -> tuple[list[tuple[int, int]], list[PrefixNode]]:
        """What the KV cache must do before the planned batch: slots to copy (from, to), in order, and nodes to free."""
        return self._slots.take_moves(), self._stored.take_freed()

    def restart(self) -> None:
        """Forget everything stored: sequences wait again with the tokens they have, nodes are computed again."""
        in_flight = {sequence.group for sequence in self.sequences} | {
            owner for owner, _ in self._in_batch if isinstance(owner, SequenceGroup)
        }
        for sequence in reversed(self.sequences):
            sequence.planned, sequence.draft = 0, ()
            if sequence.branch is not None:
                self._scores.get(sequence.group, {}).pop(sequence.branch, None)
            self._waiting.appendleft(sequence)
        for group in reversed([owner for owner, _ in self._in_batch if isinstance(owner, SequenceGroup)]):
            self._blocks.appendleft(group)
        first = self._first()
        chain = first.prefix.chain() if first and first.prefix else []
        self._was_alone = in_flight <= {first} and self._stored.nodes <= {*chain}
        self._slots.clear()
        self._stored.clear()

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
            self._stored.release(group)
        return group

    def _first(self) -> SequenceGroup | None:
        return self._waiting[0].group if self._waiting else self._blocks[0] if self._blocks else None

    # --- planning ---------------------------------------------------------------------------------

    def _tokens_left(self, batch: PackedBatch) -> int:
        # Generating sequences never wait for prompts, nor prompts for them: the limit is on what is added
        return max(self.budget.step_tokens, self._slots.generating + self.budget.step_tokens // 4) - len(batch)

    def _drafts(self) -> list[Sequence[int]]:
        """A guess for each generating sequence, often an empty one."""
        # Each sequence whose prompt is not complete gets a token and an output in every batch
        left = min(self.budget.outputs, self.budget.step_tokens) - len(self.sequences)
        drafts: list[Sequence[int]] = []
        for sequence in self.sequences[: self._slots.generating]:
            # The last token that it may have is never read, so it is not guessed
            room = sequence.longest - len(sequence.ids) - 1
            drafts.append(
                self._drafter.draft(sequence, self._slots.generating, min(left, room)) if min(left, room) > 0 else ()
            )
            left -= len(drafts[-1])
        return drafts

    def _add_tokens(
        self, batch: PackedBatch, sequence: SequenceState, slot: int, count: int, draft: Sequence[int] = ()
    ) -> int:
        """Add a sequence's next tokens and a guess at those after them, with the outputs that are read from them."""
        start = sequence.group.start + sequence.planned
        first = batch.add([*sequence.ids[sequence.planned : sequence.planned + count], *draft], start)
        last, count = first + count - 1, count + len(draft)
        batch.attend_to_prefix(sequence.group.prefix, first, count)
        sequence.draft = draft
        sequence.planned += count
        self._in_batch.append((sequence, count))
        if sequence.branch is not None:
            wanted = sequence.group.branches[sequence.branch]
            for index in range(sequence.planned - self._scored(sequence, count), sequence.planned):
                output = batch.request_logits(first + index - (sequence.planned - count))
                batch.targets.append((output, wanted[index - len(sequence.group.suffix) + 1]))
        elif sequence.pending <= 0:
            job = sequence.group.job
            assert isinstance(job, GenerateJob)
            for index in range(1 + len(draft)):
                output, number = batch.request_logits(last + index), len(sequence.new) + index
                batch.sampling_queries.append(SamplingQuery(output, slot, job.sampling, job.seed, number))
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
        if not self.sequences or (not new and self._stored.nodes >= {*chain}):
            return True
        stored = sum(len(node.ids) for node in {*self._stored.nodes, *chain})
        sequences = [*self.sequences, *new]
        cells = len(sequences) * slot_capacity(max(sequence.longest for sequence in sequences))
        if len(sequences) > self.budget.max_sequences or stored + cells > self.budget.stored_tokens:
            return False
        if not new or self.budget.start_tokens is None:
            return True
        cells = len(sequences) * slot_capacity(max(len(sequence.ids) for sequence in sequences))
        return stored + cells <= self.budget.start_tokens

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
                self._stored.nodes.add(node)
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

    def _add_sampled(self, batch: PackedBatch, result: BatchResult) -> list[tuple[int, FinishReason | None]]:
        """Add what was sampled, up to the first token that was not guessed; return the slots that ended."""
        ended: list[tuple[int, FinishReason | None]] = []
        kept: dict[int, int] = {}
        over: set[int] = set()
        for query, sampled in zip(batch.sampling_queries, result.sampled, strict=True):
            if query.slot in over:
                continue
            sequence, place = self.sequences[query.slot], kept.get(query.slot, 0)
            sequence.ids.append(sampled.token)
            sequence.new.append(sampled.token)
            if sampled.logprob is not None:
                sequence.logprobs.append(sampled.logprob)
            finish_reason = self._stop_checker(sequence)
            right = place < len(sequence.draft) and sequence.draft[place] == sampled.token
            kept[query.slot] = place + right
            if finish_reason or not right:
                over.add(query.slot)
                self._settle_draft(sequence, kept[query.slot], ended=right)
            if finish_reason:
                ended.append((query.slot, finish_reason))
        return ended

    def _settle_draft(self, sequence: SequenceState, kept: int, *, ended: bool) -> None:
        """Give back the cells of wrong tokens. Those after the sequence's `ended` are neither right nor wrong."""
        if sequence.draft:
            self._drafter.tried(sequence, kept if ended else len(sequence.draft), kept)
        sequence.planned -= len(sequence.draft) - kept
        sequence.draft = ()

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
        self._stored.release(finished.group)
        return finished
