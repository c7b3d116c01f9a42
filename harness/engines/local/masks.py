"""A step as tensors: positions, lengths, ranges, and which tokens a model's own mask function lets see which.

A model's masks come as functions (query position, key position) -> seen, whatever their kind (causal, windows, chunks);
asked with real positions they hold for tokens that stand in any order. `AttentionMask` asks once a step and kind of mask; all
layers of that kind share the answers. Answers are additive: 0 where seen, a very low number where not (not minus
infinity: a token that sees nothing of a piece must give numbers, with no weight).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch

from harness.engines.local.packed_batch import Chunk, PackedBatch

MASKED = -1e30
CAUSAL: Literal["causal"] = "causal"
Answer = TypeVar("Answer")
# None: everything is seen; False: nothing is
Bias = torch.Tensor | Literal["causal"] | None


class BatchTensors:
    """A step on a device. `rows`, `lengths` [decode] index slots; `own_width` tokens of them are looked at."""

    def __init__(self, step: PackedBatch, device: torch.device) -> None:
        """Copy the step's numbers to the device."""
        self.step = step
        self.ids = torch.tensor([step.ids], device=device)
        self.positions = torch.tensor([step.positions], device=device)
        self.rows = torch.arange(step.decode, device=device)
        self.lengths = torch.tensor(step.lengths, dtype=torch.long, device=device)
        self.own_width = max(step.lengths, default=-1) + 1
        self.ranges = [step.shared[segment] for segment in step.shared]


class AttentionMask:
    """What one mask function lets a step's tokens see."""

    def __init__(self, layout: BatchTensors, function: Callable[..., Any]) -> None:
        """`function(batch, head, query positions, key positions)` gives a boolean tensor."""
        self._layout = layout
        self._function = function
        self._answers: dict[tuple[str, int, int], Any] = {}

    def rows_bias(self) -> Bias:
        """[rows, 1, 1, own_width] for the tokens of the slots that generate."""
        return self._once(("rows", 0, 0), self._rows)

    def chunk_bias(self, number: int) -> Bias:
        """[count, past + count] for a chunk and its own home."""
        return self._once(("chunk", number, 0), lambda: self._chunk(self._layout.step.chunks[number]))

    def segment_bias(self, number: int, place: int) -> Bias | Literal[False]:
        """[tokens of the range, tokens of the segment], for a range of tokens that stand behind a whole segment."""
        return self._once(("segment", number, place), lambda: self._segment(number, place))

    def _once(self, key: tuple[str, int, int], find: Callable[[], Answer]) -> Answer:
        if key not in self._answers:
            self._answers[key] = find()
        answer: Answer = self._answers[key]
        return answer

    def _ask(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        seen = self._function(0, 0, queries, keys)
        return torch.as_tensor(seen, device=queries.device).expand_as(queries + keys)

    def _rows(self) -> Bias:
        layout = self._layout
        places = torch.arange(layout.own_width, device=layout.positions.device)[None]
        positions = layout.positions[0, : layout.step.decode, None]
        seen = (places <= layout.lengths[:, None]) & self._ask(positions, positions - layout.lengths[:, None] + places)
        return None if bool(seen.all()) else _additive(seen)[:, None, None]

    def _chunk(self, chunk: Chunk) -> Bias:
        layout = self._layout
        queries = layout.positions[0, chunk.first : chunk.first + chunk.count]
        if chunk.branch is None:
            # A home's tokens follow each other
            keys = torch.arange(chunk.past + chunk.count, device=queries.device) + (queries[0] - chunk.past)
        else:
            keys = queries
        seen = (keys[None] <= queries[:, None]) & self._ask(queries[:, None], keys[None])
        if chunk.branch is not None and any(chunk.branch):
            branch = torch.tensor(chunk.branch, device=queries.device)
            seen = seen & ((branch[None] == branch[:, None]) | (branch[None] == 0))
        elif not chunk.past and bool(seen.sum() == chunk.count * (chunk.count + 1) // 2):
            return CAUSAL
        return _additive(seen)

    def _segment(self, number: int, place: int) -> Bias | Literal[False]:
        layout = self._layout
        first, last = layout.ranges[number][place]
        segment = list(layout.step.shared)[number]
        queries = layout.positions[0, first:last]
        seen = self._ask(queries[:, None], torch.arange(segment.start, segment.end, device=queries.device)[None])
        if bool(seen.all()):
            return None
        return _additive(seen) if bool(seen.any()) else False


def _additive(seen: torch.Tensor) -> torch.Tensor:
    return torch.zeros(seen.shape, dtype=torch.float32, device=seen.device).masked_fill_(~seen, MASKED)
