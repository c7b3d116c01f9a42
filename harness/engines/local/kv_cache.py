"""The KV cache of packed batches, and how a batch's tokens attend to it. Tensors live here.

Each layer stores keys and values in two forms: slots, one tensor [slots, heads, capacity, width] written in place,
whose first n hold the active sequences; and prefixes, one tensor [heads, tokens, width] per prefix node, stored once
however many sequences attend to it. A transformers model gets `adapter` in place of its own cache, `attend` as its
attention function and `mask` as its mask function. Guarantees: a token attends to its own sequence up to itself and to
the prefix nodes before it, never to a neighbour's tokens, and only where the model's own mask function lets it. Raises
`PackingUnsupported` where a model needs something that this layout cannot give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from harness.engines.local.listed_attention import listed_is_faster
from harness.engines.local.masks import AttentionMask, BatchTensors
from harness.engines.local.packed_batch import Chunk, slot_capacity
from harness.engines.local.partial_attention import PartialAttention, partial
from harness.engines.local.prefix_tree import PrefixNode

# For fewer slots the lists of visible keys cost more than they save
LEAST_LISTED = 4
# Settings of attention functions that can be ignored: the mask covers them, or they are for training
IGNORED_SETTINGS = {
    "dropout",
    "is_causal",
    "sliding_window",
    "position_ids",
    "output_attentions",
    "use_cache",
    "cache_position",
}


class PackingUnsupported(RuntimeError):
    """A model does something that a row of unrelated tokens cannot support."""


class LayerKVCache:
    """One layer's keys and values."""

    def __init__(self) -> None:
        """Allocates nothing before the first tokens come."""
        self.slots: tuple[torch.Tensor, torch.Tensor] | None = None
        self.prefixes: dict[PrefixNode, tuple[torch.Tensor, torch.Tensor]] = {}

    def write(self, tensors: BatchTensors, new: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Store the batch's keys and values [heads, T, width] in their slots and prefixes."""
        batch = tensors.batch
        if batch.slots:
            self._grow_slots(tensors, new)
            assert self.slots is not None
            for stored, tokens in zip(self.slots, new, strict=True):
                _, heads, capacity, width = stored.shape
                rows = tokens.transpose(0, 1)
                if tensors.slot_tokens is not None:
                    rows = rows.index_select(0, tensors.slot_tokens)
                stored.view(-1, width).index_copy_(0, tensors.slot_rows(heads, capacity), rows.reshape(-1, width))
        for chunk in batch.chunks:
            if chunk.node is not None:
                if chunk.node not in self.prefixes:
                    size = len(chunk.node.ids)
                    k, v = (tokens.new_empty((tokens.shape[0], size, tokens.shape[2])) for tokens in new)
                    self.prefixes[chunk.node] = (k, v)
                for stored, tokens in zip(self.prefixes[chunk.node], new, strict=True):
                    end = chunk.past + chunk.count
                    stored[:, chunk.past : end] = tokens[:, chunk.first : chunk.first + chunk.count]

    def chunk(self, chunk: Chunk, new: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [heads, past + count, width] of a chunk's slot or node, or of a block in `new`."""
        end = chunk.past + chunk.count
        if chunk.slot is not None:
            assert self.slots is not None
            return self.slots[0][chunk.slot, :, :end], self.slots[1][chunk.slot, :, :end]
        if chunk.node is not None:
            k, v = self.prefixes[chunk.node]
            return k[:, :end], v[:, :end]
        last = chunk.first + chunk.count
        return new[0][:, chunk.first : last], new[1][:, chunk.first : last]

    def move(self, source: int, target: int) -> None:
        """Copy one slot over another."""
        for stored in self.slots or ():
            stored[target] = stored[source]

    def _grow_slots(self, tensors: BatchTensors, new: tuple[torch.Tensor, torch.Tensor]) -> None:
        slots, capacity = (self.slots[0].shape[0], self.slots[0].shape[2]) if self.slots else (0, 0)
        held = tensors.batch.slot_tokens
        if tensors.batch.slots <= slots and held <= capacity:
            return
        # One slot per sequence. Sized by the sequences in use: a long one that has finished must not decide the size of
        # every new slot
        slots, capacity = tensors.batch.slots, slot_capacity(held)
        grown = []
        for number, tokens in enumerate(new):
            # Zeros: what lies behind a sequence's end is read with weight 0, and must be a number
            fresh = tokens.new_zeros((slots, tokens.shape[0], capacity, tokens.shape[2]))
            if self.slots:
                old = self.slots[number]
                rows, filled = min(old.shape[0], slots), min(old.shape[2], capacity)
                fresh[:rows, :, :filled] = old[:rows, :, :filled]
            grown.append(fresh)
        self.slots = (grown[0], grown[1])


class KVCache:
    """All layers, and the batch that is being computed."""

    def __init__(self, layers: int) -> None:
        """`derived`: attention gets keys computed from what the cache returns, not those tensors themselves."""
        self.derived = False
        self.adapter = _CacheAdapter(self, layers)
        self._layers = [LayerKVCache() for _ in range(layers)]
        self._tensors: BatchTensors | None = None
        self._new: dict[int, tuple[int, tuple[torch.Tensor, torch.Tensor]]] = {}
        self._lists: dict[tuple[int, ...], bool] = {}

    def begin(self, tensors: BatchTensors) -> None:
        """Set the batch that `update` and `attend` work on."""
        self._tensors, self._new = tensors, {}

    def apply_moves(self, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> None:
        """Apply a scheduler's moves of slots, in order, and free prefix nodes."""
        for layer in self._layers:
            for source, target in moves:
                layer.move(source, target)
            for node in freed:
                layer.prefixes.pop(node, None)

    def bytes_of(self, node: PrefixNode) -> int:
        """Bytes of a stored prefix node in all layers."""
        pairs = [layer.prefixes[node] for layer in self._layers if node in layer.prefixes]
        return sum(tensor.numel() * tensor.element_size() for pair in pairs for tensor in pair)

    def clear(self) -> None:
        """Free everything."""
        self._layers = [LayerKVCache() for _ in self._layers]
        self._tensors, self._new = None, {}

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Store a layer's new keys and values [1, heads, T, width]; return what attention is to be given."""
        tensors = self._tensors
        if tensors is None or keys.dim() != 4 or keys.shape[0] != 1 or keys.shape[2] != len(tensors.batch):
            raise PackingUnsupported("the model's keys are not of the shape [1, heads, tokens, width]")
        new = (keys[0], values[0])
        self._layers[layer].write(tensors, new)
        if self.derived:
            pieces = self._kv_pieces(tensors, layer, new)
            return torch.cat([k for k, _ in pieces], 1)[None], torch.cat([v for _, v in pieces], 1)[None]
        # Keyed by the tensor: a layer may attend to another layer's keys
        self._new[id(keys)] = (layer, (keys, values))
        return keys, values

    def mask(self, *, mask_function: Callable[..., Any], attention_mask: Any = None, **_: Any) -> AttentionMask:
        """Wrap the model's mask function, to be evaluated piece by piece; has the signature of transformers' own."""
        if attention_mask is not None or self._tensors is None:
            raise PackingUnsupported("the model made a padding mask")
        return AttentionMask(self._tensors, mask_function)

    def attend(
        self,
        module: torch.nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: AttentionMask | None,
        **settings: Any,
    ) -> tuple[torch.Tensor, None]:
        """Attention of [1, heads, T, width] queries; returns [1, T, heads, width], as attention functions do."""
        tensors = self._tensors
        scale, softcap, sinks = (settings.pop(name, None) for name in ("scaling", "softcap", "s_aux"))
        unknown = sorted(name for name, value in settings.items() if value is not None and value is not False)
        if unknown := [name for name in unknown if name not in IGNORED_SETTINGS]:
            raise PackingUnsupported(f"the model calls attention with {', '.join(unknown)}")
        if tensors is None or not isinstance(attention_mask, AttentionMask) or query.shape[0] != 1:
            raise PackingUnsupported("the model calls attention without the mask of the packed batch")
        heads, tokens, width = query.shape[1:]
        groups = heads // key.shape[1]
        grouped = query[0].view(key.shape[1], groups, tokens, width)
        attention = PartialAttention(
            grouped,
            value.shape[-1],
            scale if scale is not None else width**-0.5,
            softcap,
            merges=bool(tensors.batch.shared) or sinks is not None,
        )
        if self.derived:
            self._attend_to(tensors, _cut(tensors, key[0], value[0]), attention_mask, attention)
        else:
            if id(key) not in self._new:
                raise PackingUnsupported("attention gets other keys than the cache returned")
            layer, _ = self._new[id(key)]
            self._attend_stored(tensors, layer, (key[0], value[0]), attention_mask, attention)
        if sinks is not None:
            attention.sink(sinks.view(key.shape[1], groups, 1))
        return attention.result(query.dtype), None

    def _kv_pieces(
        self, tensors: BatchTensors, layer: int, new: tuple[torch.Tensor, torch.Tensor]
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values of each piece: prefix nodes, generating slots, chunks; [heads, tokens, width]."""
        layer_cache, batch = self._layers[layer], tensors.batch
        pieces = [layer_cache.prefixes[node] for node in batch.shared]
        if batch.decode:
            assert layer_cache.slots is not None
            k, v = (stored[: batch.decode, :, : tensors.slot_width] for stored in layer_cache.slots)
            pieces.append((k.transpose(0, 1).flatten(1, 2), v.transpose(0, 1).flatten(1, 2)))
        return pieces + [layer_cache.chunk(chunk, new) for chunk in batch.chunks]

    def _attend_stored(
        self,
        tensors: BatchTensors,
        layer: int,
        new: tuple[torch.Tensor, torch.Tensor],
        mask: AttentionMask,
        attention: PartialAttention,
    ) -> None:
        """Attend to what is stored, in place: slots together, short chunks together, then the rest one by one."""
        layer_cache, batch = self._layers[layer], tensors.batch
        if batch.decode:
            assert layer_cache.slots is not None
            keys, values = layer_cache.slots
            k, v = (stored[: batch.decode, :, : tensors.slot_width] for stored in layer_cache.slots)
            if batch.decode >= LEAST_LISTED and self._uses_lists(attention, keys, values):
                lists = mask.slots_keys(keys.shape[1], attention.query.shape[1], keys.shape[2])
                attention.start_slots_listed(k, values, mask.slots_bias(), lists)
            else:
                attention.start_slots(k, v, mask.slots_bias())
        if tensors.short_rows is not None:
            assert layer_cache.slots is not None
            rows = tensors.short_rows
            k, v = (stored[rows.slots, :, : rows.width] for stored in layer_cache.slots)
            attention.start_short(rows, k, v, mask.short_bias())
        for number in tensors.long:
            chunk = batch.chunks[number]
            attention.start_chunk(chunk.first, chunk.count, *layer_cache.chunk(chunk, new), mask.chunk_bias(number))
        self._attend_prefixes(tensors, [layer_cache.prefixes[node] for node in batch.shared], mask, attention)

    def _uses_lists(self, attention: PartialAttention, keys: torch.Tensor, values: torch.Tensor) -> bool:
        """Whether single tokens are attended by lists; a trial at the first use of a shape decides."""
        shape = (*attention.query.shape[:2], keys.shape[-1], values.shape[-1])
        if shape not in self._lists:
            self._lists[shape] = listed_is_faster(attention.query, keys, values.shape[-1], partial)
        return self._lists[shape]

    def _attend_to(
        self,
        tensors: BatchTensors,
        pieces: Sequence[tuple[torch.Tensor, torch.Tensor]],
        mask: AttentionMask,
        attention: PartialAttention,
    ) -> None:
        """Attend piece by piece. A token's own slot or chunk comes first: it always sees something there."""
        batch, shared = tensors.batch, len(tensors.batch.shared)
        rest = list(pieces[shared:])
        if batch.decode:
            k, v = rest.pop(0)
            attention.start_slots(k, v, mask.slots_bias())
        for number, (chunk, (k, v)) in enumerate(zip(batch.chunks, rest, strict=True)):
            attention.start_chunk(chunk.first, chunk.count, k, v, mask.chunk_bias(number))
        self._attend_prefixes(tensors, pieces[:shared], mask, attention)

    @staticmethod
    def _attend_prefixes(
        tensors: BatchTensors,
        pieces: Sequence[tuple[torch.Tensor, torch.Tensor]],
        mask: AttentionMask,
        attention: PartialAttention,
    ) -> None:
        for number, (k, v) in enumerate(pieces):
            for index, (first, last) in enumerate(tensors.ranges[number]):
                bias = mask.prefix_bias(number, index)
                if bias is not False:
                    attention.add(first, last, k, v, bias)


def _cut(tensors: BatchTensors, key: torch.Tensor, value: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Split keys and values [heads, all tokens, width] that were computed from the flat pieces into pieces again."""
    batch = tensors.batch
    sizes = [len(node.ids) for node in batch.shared]
    if batch.decode:
        sizes.append(batch.decode * tensors.slot_width)
    sizes += [chunk.past + chunk.count for chunk in batch.chunks]
    if sum(sizes) != key.shape[1]:
        raise PackingUnsupported("attention gets other keys than the cache returned")
    pieces = list(zip(torch.split(key, sizes, 1), torch.split(value, sizes, 1), strict=True))
    if batch.decode:
        index = len(batch.shared)
        shape = (key.shape[0], batch.decode, tensors.slot_width, -1)
        k, v = (piece.reshape(shape).transpose(0, 1) for piece in pieces[index])
        pieces[index] = (k, v)
    return pieces


class _CacheAdapter(Cache):  # type: ignore[misc]
    """What the model gets as its cache. It reports no past tokens: the positions come from `position_ids`."""

    def __init__(self, kv_cache: KVCache, layers: int) -> None:
        super().__init__(layers=[DynamicLayer() for _ in range(layers)])
        self._kv_cache = kv_cache

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._kv_cache.update(key_states, value_states, layer_idx)

    def get_seq_length(self, layer_idx: int | None = None) -> int:
        # A layer that reads this computes its positions from it, and unrelated tokens have no single past length
        if layer_idx is not None:
            raise PackingUnsupported("a layer reads the cache's length")
        return 0

    def get_query_offset(self, layer_idx: int = 0) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        return query_length, 0
