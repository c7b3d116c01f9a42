"""A batch as tensors, and its attention masks from the model's own mask functions.

A model's masks are functions (query position, key position) -> visible, of whatever kind (causal, windows, chunks).
Called with real positions they hold for tokens in any order. `AttentionMask` calls each once per batch; all layers of
that kind share the result. Masks are additive: 0 where visible, a very low number where not (not minus infinity: a
token that sees nothing of a piece must give finite numbers, with no weight).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch

from harness.engines.local.packed_batch import Chunk, PackedBatch

MASKED = -1e30
CAUSAL: Literal["causal"] = "causal"
Value = TypeVar("Value")
# None: everything is visible; False: nothing is
Bias = torch.Tensor | Literal["causal"] | None


class BatchTensors:
    """A batch on a device. `slots`, `lengths` [decode] index the slots; `slot_width` tokens of each are attended to."""

    def __init__(self, batch: PackedBatch, device: torch.device) -> None:
        """Copy the batch's numbers to the device."""
        self.batch = batch
        self.ids = torch.tensor([batch.ids], device=device)
        self.positions = torch.tensor([batch.positions], device=device)
        self.slots = torch.arange(batch.decode, device=device)
        self.lengths = torch.tensor(batch.lengths, dtype=torch.long, device=device)
        self.slot_width = max(batch.lengths, default=-1) + 1
        self.ranges = [batch.shared[node] for node in batch.shared]


class AttentionMask:
    """What a batch's tokens attend to under one mask function."""

    def __init__(self, tensors: BatchTensors, function: Callable[..., Any]) -> None:
        """`function(batch, head, query positions, key positions)` gives a boolean tensor."""
        self._tensors = tensors
        self._function = function
        self._cached: dict[tuple[str, int, int], Any] = {}

    def slots_bias(self) -> Bias:
        """[slots, 1, 1, slot_width] for the tokens of the generating slots."""
        return self._cached_value(("slots", 0, 0), self._slots)

    def chunk_bias(self, number: int) -> Bias:
        """[count, past + count] for a chunk and the tokens of its own slot or node."""
        return self._cached_value(("chunk", number, 0), lambda: self._chunk(self._tensors.batch.chunks[number]))

    def prefix_bias(self, number: int, index: int) -> Bias | Literal[False]:
        """[tokens of the range, tokens of the node], for a range of tokens that come after a prefix node."""
        return self._cached_value(("prefix", number, index), lambda: self._prefix(number, index))

    def _cached_value(self, key: tuple[str, int, int], compute: Callable[[], Value]) -> Value:
        if key not in self._cached:
            self._cached[key] = compute()
        value: Value = self._cached[key]
        return value

    def _visible(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        visible = self._function(0, 0, queries, keys)
        return torch.as_tensor(visible, device=queries.device).expand_as(queries + keys)

    def _slots(self) -> Bias:
        tensors = self._tensors
        columns = torch.arange(tensors.slot_width, device=tensors.positions.device)[None]
        positions = tensors.positions[0, : tensors.batch.decode, None]
        visible = (columns <= tensors.lengths[:, None]) & self._visible(
            positions, positions - tensors.lengths[:, None] + columns
        )
        return None if bool(visible.all()) else _additive(visible)[:, None, None]

    def _chunk(self, chunk: Chunk) -> Bias:
        tensors = self._tensors
        queries = tensors.positions[0, chunk.first : chunk.first + chunk.count]
        if chunk.branch is None:
            # The tokens of a slot or node have consecutive positions
            keys = torch.arange(chunk.past + chunk.count, device=queries.device) + (queries[0] - chunk.past)
        else:
            keys = queries
        visible = (keys[None] <= queries[:, None]) & self._visible(queries[:, None], keys[None])
        if chunk.branch is not None and any(chunk.branch):
            branch = torch.tensor(chunk.branch, device=queries.device)
            visible = visible & ((branch[None] == branch[:, None]) | (branch[None] == 0))
        elif not chunk.past and bool(visible.sum() == chunk.count * (chunk.count + 1) // 2):
            return CAUSAL
        return _additive(visible)

    def _prefix(self, number: int, index: int) -> Bias | Literal[False]:
        tensors = self._tensors
        first, last = tensors.ranges[number][index]
        node = list(tensors.batch.shared)[number]
        queries = tensors.positions[0, first:last]
        visible = self._visible(queries[:, None], torch.arange(node.start, node.end, device=queries.device)[None])
        if bool(visible.all()):
            return None
        return _additive(visible) if bool(visible.any()) else False


def _additive(visible: torch.Tensor) -> torch.Tensor:
    return torch.zeros(visible.shape, dtype=torch.float32, device=visible.device).masked_fill_(~visible, MASKED)
