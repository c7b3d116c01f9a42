"""A batch as tensors, and its attention masks from the model's own mask functions.

A model's masks are functions (query position, key position) -> visible, of whatever kind (causal, windows, chunks).
Called with real positions they hold for tokens in any order. `AttentionMask` calls each once per batch; all layers of
that kind share the result. Masks are additive: 0 where visible, a very low number where not (not minus infinity: a
token that sees nothing of a piece must give finite numbers, with no weight).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import torch

from harness.engines.local.packed_batch import Chunk, PackedBatch

MASKED = -1e30
CAUSAL: Literal["causal"] = "causal"
Value = TypeVar("Value")
# None: everything is visible; False: nothing is
Bias = torch.Tensor | Literal["causal"] | None


# Chunks of at most so many tokens are attended to together, padded to the longest of them
SHORT_CHUNK = 16


class BatchTensors:
    """A batch on a device. `lengths` [decode] are stored in the slots, of which `slot_width` tokens are attended to.

    `short` are the numbers of the chunks that are short and lie in slots, `long` those of all others. `slot_tokens`
    [n] are the indices of the tokens that are stored in slots, None if all of the batch are.
    """

    def __init__(self, batch: PackedBatch, device: torch.device) -> None:
        """Copy the batch's numbers to the device."""
        self.batch = batch
        self.device = device
        self.ids = torch.tensor([batch.ids], device=device)
        self.positions = torch.tensor([batch.positions], device=device)
        self.lengths = torch.tensor(batch.lengths, dtype=torch.long, device=device)
        self.slot_width = max(batch.lengths, default=-1) + 1
        self.ranges = [batch.shared[node] for node in batch.shared]
        fits = [chunk.slot is not None and chunk.count <= SHORT_CHUNK for chunk in batch.chunks]
        # A single one gains nothing from being padded
        together = sum(fits) > 1
        self.short = [number for number, fit in enumerate(fits) if fit and together]
        self.long = [number for number, fit in enumerate(fits) if not (fit and together)]
        self.short_rows = ShortRows([batch.chunks[number] for number in self.short], device) if self.short else None
        slots, places, tokens = _slot_places(batch)
        self._slots = torch.tensor(slots, dtype=torch.long, device=device)
        self._places = torch.tensor(places, dtype=torch.long, device=device)
        whole = len(tokens) == len(batch)
        self.slot_tokens = None if whole else torch.tensor(tokens, dtype=torch.long, device=device)
        self._rows: dict[tuple[int, int], torch.Tensor] = {}

    def slot_rows(self, heads: int, capacity: int) -> torch.Tensor:
        """Rows [n * heads] of a tensor [slots, heads, capacity, width], seen as rows of one width, to be written."""
        if (heads, capacity) not in self._rows:
            first = self._slots[:, None] * heads + torch.arange(heads, device=self.device)
            self._rows[heads, capacity] = (first * capacity + self._places[:, None]).flatten()
        return self._rows[heads, capacity]


class ShortRows:
    """Short chunks of slots, padded to the longest: the queries that they are, and the keys that they may see.

    `queries` [n, most] are indices of tokens, each row filled up with its first; `tokens` [t] are all of the chunks'
    tokens and `places` [t] where they are among the n * most. `slots` are a range where that is possible, so that no
    keys have to be copied; `width` tokens of each slot are read.
    """

    def __init__(self, chunks: Sequence[Chunk], device: torch.device) -> None:
        """Copy the chunks' numbers to the device."""
        self.most = max(chunk.count for chunk in chunks)
        self.width = max(chunk.past + chunk.count for chunk in chunks)
        slots = [chunk.slot for chunk in chunks if chunk.slot is not None]
        consecutive = slots == list(range(slots[0], slots[0] + len(slots)))
        self.slots: slice | torch.Tensor = (
            slice(slots[0], slots[0] + len(slots)) if consecutive else torch.tensor(slots, device=device)
        )
        counts = [chunk.count for chunk in chunks]
        self.queries = torch.tensor(
            [
                [*range(chunk.first, chunk.first + chunk.count), *[chunk.first] * (self.most - chunk.count)]
                for chunk in chunks
            ],
            device=device,
        )
        self.tokens = torch.tensor(
            [chunk.first + index for chunk in chunks for index in range(chunk.count)], device=device
        )
        self.places = torch.tensor(
            [row * self.most + index for row, count in enumerate(counts) for index in range(count)], device=device
        )
        self.past = torch.tensor([chunk.past for chunk in chunks], device=device)


def _slot_places(batch: PackedBatch) -> tuple[list[int], list[int], list[int]]:
    """Slot, place in it and index of each token that is stored in a slot."""
    slots, places = list(range(batch.decode)), list(batch.lengths)
    tokens = list(range(batch.decode))
    for chunk in batch.chunks:
        if chunk.slot is not None:
            slots += [chunk.slot] * chunk.count
            places += range(chunk.past, chunk.past + chunk.count)
            tokens += range(chunk.first, chunk.first + chunk.count)
    return slots, places, tokens


@dataclass(frozen=True, slots=True)
class VisibleKeys:
    """The keys that each query of the generating slots sees, as one list: no time for what is hidden.

    For n slots, h key heads, g query heads a key head and s places: `places` index n * h * g * s scores; `rows` (int32)
    index the rows of a tensor [slots, h, capacity, width]; the list of query i of n * h * g starts at `starts[i]`
    (int32).
    """

    places: torch.Tensor
    rows: torch.Tensor
    starts: torch.Tensor


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

    def slots_keys(self, heads: int, groups: int, capacity: int) -> VisibleKeys:
        """The keys that the tokens of the generating slots see, for tensors of that capacity."""
        key = ("keys", heads * groups, capacity * heads)
        return self._cached_value(key, lambda: visible_keys(self._visible_slots(), heads, groups, capacity))

    def short_bias(self) -> Bias:
        """[chunks, 1, most, width] for the short chunks and the tokens of their slots."""
        return self._cached_value(("short", 0, 0), self._short)

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
        visible = self._visible_slots()
        # Slots of unequal lengths always hide something: no need to ask the device
        if len(set(self._tensors.batch.lengths)) == 1 and bool(visible.all()):
            return None
        return _additive(visible)[:, None, None]

    def _visible_slots(self) -> torch.Tensor:
        """[slots, slot_width]."""
        return self._cached_value(("visible", 0, 0), self._compute_visible_slots)

    def _compute_visible_slots(self) -> torch.Tensor:
        tensors = self._tensors
        columns = torch.arange(tensors.slot_width, device=tensors.device)[None]
        positions = tensors.positions[0, : tensors.batch.decode, None]
        lengths = tensors.lengths[:, None]
        return (columns <= lengths) & self._visible(positions, positions - lengths + columns)

    def _short(self) -> Bias:
        tensors, rows = self._tensors, self._tensors.short_rows
        assert rows is not None
        positions = tensors.positions[0][rows.queries]
        columns = torch.arange(rows.width, device=tensors.device)
        # The tokens of a slot have consecutive positions
        keys = (positions[:, :1] - rows.past[:, None] + columns)[:, None]
        queries = positions[:, :, None]
        return _additive((keys <= queries) & self._visible(queries, keys))[:, None]

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


def visible_keys(visible: torch.Tensor, heads: int, groups: int, capacity: int) -> VisibleKeys:
    """Lists of what is `visible` [n, s] for n slots of that capacity, for each key head and each of its queries."""
    count, width = visible.shape
    device = visible.device
    first = torch.arange(count * heads, device=device).view(count, heads, 1, 1) * capacity
    shape = (count, heads, groups, width)
    rows = (first + torch.arange(width, device=device)).expand(shape).reshape(-1)
    seen = visible.sum(-1).repeat_interleave(heads * groups)
    places = visible[:, None, None].expand(shape).reshape(-1).nonzero()[:, 0]
    return VisibleKeys(places, rows[places].int(), (seen.cumsum(0) - seen).int())


def _additive(visible: torch.Tensor) -> torch.Tensor:
    return torch.zeros(visible.shape, dtype=torch.float32, device=visible.device).masked_fill_(~visible, MASKED)
