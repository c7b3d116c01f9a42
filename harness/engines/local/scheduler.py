"""Which tokens are computed next: continuous batching over one stream of units. No torch.

Each step takes one token of every row that is generating and fills up with prompt tokens of rows, shared segments
and blocks to be scored, so that the batch never drains between tasks. Guarantees: slots 0 to n - 1 hold the rows,
generating ones first; a segment is stored before, or in the same step as, what attends to it, and let go with its last
user; rows and stored tokens stay within the budget, but for a single row that alone exceeds it. After `restart`
every row goes on from the tokens that it has; a unit is given up only when memory ran out while nothing else was there.
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
    """What a step and the cache may hold: prompt and new tokens a step, logits read, rows, tokens stored."""

    step_tokens: int
    outputs: int
    rows: int
    stored_tokens: int

    def halve(self) -> bool:
        """Make do with half; False if there is nothing left to halve."""
        if self.rows == 1 and self.step_tokens <= 32 and self.outputs <= 8:
            return False
        self.rows = max(1, self.rows // 2)
        self.step_tokens = min(self.step_tokens, max(32, self.step_tokens // 2))
        self.outputs = min(self.outputs, max(8, self.outputs // 2))
        self.stored_tokens //= 2
        return True


@dataclass(frozen=True, slots=True)
class FinishedGroup:
    """A unit that is done: a generation's row and how it ended, or (log-probability, best) lists, one a branch."""

    unit: SequenceGroup
    row: SequenceState | None = None
    ending: FinishReason | None = None
    scores: tuple[tuple[tuple[float, bool], ...], ...] = ()


class Scheduler:
    """Plans steps and takes their results in."""

    def __init__(
        self, units: Sequence[SequenceGroup], budget: Budget, ends: Callable[[SequenceState], FinishReason | None]
    ) -> None:
        """`units` in the order of their shared segments; `ends` says whether a row's newest token is its last."""
        self.budget = budget
        self.rows: list[SequenceState] = []
        self._freed: list[PrefixNode] = []
        self._moves: list[tuple[int, int]] = []
        self._ends = ends
        self._generating = 0
        self._waiting: deque[SequenceState] = deque()
        self._blocks: deque[SequenceGroup] = deque()
        for unit in units:
            if isinstance(unit.job, GenerateJob):
                self._waiting += sequences_of(unit)
            else:
                self._blocks.append(unit)
        self._stored: set[PrefixNode] = set()
        self._scores: dict[SequenceGroup, dict[int, list[tuple[float, bool]]]] = {}
        self._in_step: list[tuple[SequenceState | PrefixNode | SequenceGroup, int]] = []
        self._one_by_one = self._was_alone = False

    def plan(self) -> PackedBatch | None:
        """Make the next step; None when everything is done."""
        step = self._planned()
        step.rows, step.held = len(self.rows), max((row.planned for row in self.rows), default=0)
        return step if len(step) else None

    def _planned(self) -> PackedBatch:
        step = PackedBatch()
        self._in_step = []
        for slot, row in enumerate(self.rows[: self._generating]):
            step.lengths.append(row.planned)
            self._take(step, row, slot, 1)
        step.decode = self._generating
        for slot in range(self._generating, len(self.rows)):
            if not self._advance(step, slot):
                return step
        self._admit(step)
        self._fill(step)
        return step

    def apply_results(self, step: PackedBatch, result: BatchResult, seconds: float) -> Iterator[FinishedGroup]:
        """Take the results of the planned step in; yield what it finished."""
        assign_prefixes = seconds / len(step)
        targets = iter(result.targets)
        blocks = []
        for owner, count in self._in_step:
            if isinstance(owner, PrefixNode):
                owner.seconds += assign_prefixes * count
            elif isinstance(owner, SequenceState):
                owner.unit.seconds += assign_prefixes * count
                if owner.branch is not None:
                    found = self._scores.setdefault(owner.unit, {}).setdefault(owner.branch, [])
                    found += [(t.logprob, t.best) for t in (next(targets) for _ in range(self._scored(owner, count)))]
            else:
                owner.seconds += assign_prefixes * count
                blocks.append(owner)
        yield from self._finish_blocks(blocks, targets)
        ended: list[tuple[int, FinishReason | None]] = []
        for sample, sampled in zip(step.sampling_queries, result.sampled, strict=True):
            row = self.rows[sample.slot]
            row.ids.append(sampled.token)
            row.new.append(sampled.token)
            if sampled.logprob is not None:
                row.logprobs.append(sampled.logprob)
            if ending := self._ends(row):
                ended.append((sample.slot, ending))
        ended += [(slot, None) for slot, row in enumerate(self.rows) if row.branch is not None and not row.pending]
        self._count_generating()
        # From the last slot on: a move never touches a slot that is still to be cleared
        for slot, ending in sorted(ended, key=lambda one: -one[0]):
            row = self.rows[slot]
            self._remove(slot)
            if ending is not None:
                yield self._finish(FinishedGroup(row.unit, row, ending))
            else:
                yield from self._finish_branch(row)

    def take_cache_updates(self) -> tuple[list[tuple[int, int]], list[PrefixNode]]:
        """What the store must do before the planned step: slots to copy (from, to), in order, and segments to free."""
        taken = self._moves, self._freed
        self._moves, self._freed = [], []
        return taken

    def restart(self) -> None:
        """Forget everything stored: rows wait again with the tokens they have, segments are computed anew."""
        there = {row.unit for row in self.rows} | {
            owner for owner, _ in self._in_step if isinstance(owner, SequenceGroup)
        }
        for row in reversed(self.rows):
            row.planned = 0
            if row.branch is not None:
                self._scores.get(row.unit, {}).pop(row.branch, None)
            self._waiting.appendleft(row)
        for unit in reversed([owner for owner, _ in self._in_step if isinstance(owner, SequenceGroup)]):
            self._blocks.appendleft(unit)
        first = self._first()
        mine = first.prefix.chain() if first and first.prefix else []
        self._was_alone = there <= {first} and all(segment in mine for segment in self._stored)
        for segment in self._stored:
            segment.planned = 0
        self.rows, self._moves, self._freed, self._stored = [], [], [], set()
        self._generating = 0

    def drop_first(self) -> SequenceGroup | None:
        """Take out the first waiting unit, which does not fit. None if it was not alone: it goes on so."""
        unit = self._first()
        if not self._was_alone:
            self._one_by_one = True
            return None
        if unit is not None:
            self._waiting = deque(row for row in self._waiting if row.unit is not unit)
            self._blocks = deque(other for other in self._blocks if other is not unit)
            self._scores.pop(unit, None)
            self._release(unit)
        return unit

    def _first(self) -> SequenceGroup | None:
        return self._waiting[0].unit if self._waiting else self._blocks[0] if self._blocks else None

    # --- planning ---------------------------------------------------------------------------------

    def _room(self, step: PackedBatch) -> int:
        # Rows that generate never wait for prompts, nor prompts for them: the limit is on what is added
        return max(self.budget.step_tokens, step.decode + self.budget.step_tokens // 4) - len(step)

    def _take(self, step: PackedBatch, row: SequenceState, slot: int, count: int) -> int:
        """Put a row's next tokens into the step, with what is to be read from them."""
        start = row.unit.start + row.planned
        first = step.add(row.ids[row.planned : row.planned + count], start)
        step.sees(row.unit.prefix, first, count)
        row.planned += count
        self._in_step.append((row, count))
        if row.branch is not None:
            wanted = row.unit.branches[row.branch]
            for place in range(row.planned - self._scored(row, count), row.planned):
                output = step.read(first + place - (row.planned - count))
                step.targets.append((output, wanted[place - len(row.unit.own) + 1]))
        elif not row.pending:
            job = row.unit.job
            assert isinstance(job, GenerateJob)
            step.sampling_queries.append(
                SamplingQuery(step.read(first + count - 1), slot, job.sampling, job.seed, len(row.new))
            )
        return first

    def _scored(self, row: SequenceState, count: int) -> int:
        """How many of the last `count` planned tokens of a scoring row have a target."""
        return min(count, row.planned - len(row.unit.own) + 1) if row.planned >= len(row.unit.own) else 0

    def _advance(self, step: PackedBatch, slot: int) -> bool:
        """Compute more of a row's prompt; False if the step is full before it is whole."""
        row = self.rows[slot]
        count = min(row.pending, self._room(step))
        if row.branch is not None:
            count = min(count, self.budget.outputs - len(step.outputs))
        if count > 0:
            past = row.planned
            first = self._take(step, row, slot, count)
            step.chunks.append(Chunk(first, count, past, slot=slot))
        return not row.pending

    def _admit(self, step: PackedBatch) -> None:
        while self._waiting and self._room(step) > 0 and len(step.outputs) < self.budget.outputs:
            row = self._waiting[0]
            if not self._fits(row.unit, row) or not self._store_prefix(step, row.unit) or self._room(step) <= 0:
                return
            self._waiting.popleft()
            self.rows.append(row)
            if not self._advance(step, len(self.rows) - 1):
                return

    def _fits(self, unit: SequenceGroup, *new: SequenceState) -> bool:
        """Whether a unit's segments, and its row if it is to have one, may stand beside what is there."""
        chain = unit.prefix.chain() if unit.prefix else []
        if not self.rows or (not new and all(segment in self._stored for segment in chain)):
            return True
        stored = sum(len(segment.ids) for segment in {*self._stored, *chain})
        rows = [*self.rows, *new]
        # A slot's tensor has room for half as much again as the longest row
        cells = len(rows) * max(row.longest for row in rows) * 3 // 2
        return len(rows) <= self.budget.rows and stored + cells <= self.budget.stored_tokens

    def _store_prefix(self, step: PackedBatch, unit: SequenceGroup) -> bool:
        """Compute what is missing of a unit's segments; False if the step is full before they are whole."""
        for segment in unit.prefix.chain() if unit.prefix else []:
            missing = len(segment.ids) - segment.planned
            count = min(missing, self._room(step))
            if count > 0:
                past = segment.planned
                first = step.add(segment.ids[past : past + count], segment.start + past)
                step.sees(segment.parent, first, count)
                step.chunks.append(Chunk(first, count, past, segment=segment))
                segment.planned += count
                self._stored.add(segment)
                self._in_step.append((segment, count))
            if count < missing:
                return False
        return True

    def _fill(self, step: PackedBatch) -> None:
        """Add blocks to be scored while there is room; one that is too large for any step becomes rows."""
        while self._blocks and not (self._one_by_one and len(step)):
            unit = self._blocks[0]
            if len(unit.own) > self.budget.step_tokens // 2:
                # Too long to be read beside its branches: stored first, like what several units share
                unit.prefix = PrefixNode(unit.own[:-1], unit.start, unit.prefix, users=1, waiting=1)
            tokens = len(unit.own) + sum(len(branch) - 1 for branch in unit.branches)
            outputs = 1 + sum(len(branch) - 1 for branch in unit.branches)
            if tokens > self.budget.step_tokens or outputs > self.budget.outputs:
                self._waiting += sequences_of(self._blocks.popleft())
                continue
            if self._room(step) <= 0 or not self._fits(unit) or not self._store_prefix(step, unit):
                break
            if tokens > self._room(step) or len(step.outputs) + outputs > self.budget.outputs:
                break
            self._put_block(step, self._blocks.popleft())
        if not len(step):
            self._admit(step)

    def _put_block(self, step: PackedBatch, unit: SequenceGroup) -> None:
        first = step.add(unit.own, unit.start)
        trunk_end = step.read(first + len(unit.own) - 1)
        branch_of = [0] * len(unit.own)
        for number, branch in enumerate(unit.branches, start=1):
            step.targets.append((trunk_end, branch[0]))
            start = step.add(branch[:-1], unit.start + len(unit.own))
            branch_of += [number] * (len(branch) - 1)
            step.targets += [(step.read(start + place), token) for place, token in enumerate(branch[1:])]
        count = len(branch_of)
        step.sees(unit.prefix, first, count)
        step.chunks.append(Chunk(first, count, branch=tuple(branch_of)))
        self._in_step.append((unit, count))

    # --- settling ---------------------------------------------------------------------------------

    def _finish_blocks(
        self, blocks: Sequence[SequenceGroup], targets: Iterator[TokenLogprob]
    ) -> Iterator[FinishedGroup]:
        for unit in blocks:
            scores = []
            for branch in unit.branches:
                taken = [next(targets) for _ in branch]
                scores.append(tuple((one.logprob, one.best) for one in taken))
            yield self._finish(FinishedGroup(unit, scores=tuple(scores)))

    def _finish_branch(self, row: SequenceState) -> Iterator[FinishedGroup]:
        # Several rows of a unit may end in one step: the first of them speaks for all
        found = self._scores.get(row.unit, {})
        whole = [number for number, scores in found.items() if len(scores) == len(row.unit.branches[number])]
        if len(whole) == len(row.unit.branches):
            del self._scores[row.unit]
            scores = tuple(tuple(found[number]) for number in range(len(row.unit.branches)))
            yield self._finish(FinishedGroup(row.unit, scores=scores))

    def _finish(self, finished: FinishedGroup) -> FinishedGroup:
        self._release(finished.unit)
        return finished

    def _release(self, unit: SequenceGroup) -> None:
        for segment in unit.prefix.chain() if unit.prefix else []:
            # Whoever ends first stands for the one it was computed for
            unit.cached += len(segment.ids) if segment.claimed else 0
            segment.claimed = True
            unit.seconds += segment.seconds / segment.users
            segment.waiting -= 1
            if not segment.waiting and segment in self._stored:
                self._stored.remove(segment)
                self._freed.append(segment)

    def _count_generating(self) -> None:
        """Rows whose prompt is whole stand first, since prompts are taken in the order of the slots."""
        while self._generating < len(self.rows) and self.rows[self._generating].new:
            row = self.rows[self._generating]
            if row.pending != 1 or row.branch is not None:
                break
            self._generating += 1

    def _remove(self, slot: int) -> None:
        """Clear a slot; the last generating row and then the last row of all move up."""
        if slot < self._generating:
            self._generating -= 1
            slot = self._move(self._generating, slot)
        self._move(len(self.rows) - 1, slot)
        self.rows.pop()

    def _move(self, source: int, target: int) -> int:
        if source != target:
            self.rows[target] = self.rows[source]
            self._moves.append((source, target))
        return source
