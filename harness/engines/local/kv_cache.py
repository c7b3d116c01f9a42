"""Keys and values of everything the engine has read, and how a step's tokens attend to them. Tensors live here.

Each layer keeps two kinds of home: slots, one tensor [slots, heads, capacity, width] written in place, whose first n
hold the active rows; and segments, one tensor [heads, tokens, width] each, stored once however many rows attend to it.
`cache` is handed to a transformers model in place of its own cache, `attend` as its attention function, `mask` as the
maker of its masks. Guarantees: a token attends to its own home up to itself and to the segments before it, never to a
neighbour's tokens, and only where the model's own mask function lets it. Raises `PackingUnsupported` where a model asks for
something that this arrangement cannot give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

from harness.engines.local.masks import AttentionMask, BatchTensors
from harness.engines.local.partial_attention import PartialAttention
from harness.engines.local.prefix_tree import PrefixNode

FIRST_CAPACITY = 64
# What attention functions are called with beside the usual, and can be ignored: masks say it too, or it is for training
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
    """A model does something that rows of unrelated tokens cannot serve."""


class LayerKVCache:
    """One layer's keys and values."""

    def __init__(self) -> None:
        """Nothing is allocated before the first tokens come."""
        self.slots: tuple[torch.Tensor, torch.Tensor] | None = None
        self.segments: dict[PrefixNode, tuple[torch.Tensor, torch.Tensor]] = {}

    def write(self, layout: BatchTensors, new: tuple[torch.Tensor, torch.Tensor]) -> None:
        """Put the step's keys and values [heads, T, width] into their homes."""
        step = layout.step
        if step.rows:
            self._make_room(layout, new)
            assert self.slots is not None
            for home, tokens in zip(self.slots, new, strict=True):
                if step.decode:
                    home[layout.rows, :, layout.lengths] = tokens[:, : step.decode].transpose(0, 1)
                for chunk in step.chunks:
                    if chunk.slot is not None:
                        end = chunk.past + chunk.count
                        home[chunk.slot, :, chunk.past : end] = tokens[:, chunk.first : chunk.first + chunk.count]
        for chunk in step.chunks:
            if chunk.segment is not None:
                if chunk.segment not in self.segments:
                    size = len(chunk.segment.ids)
                    k, v = (tokens.new_empty((tokens.shape[0], size, tokens.shape[2])) for tokens in new)
                    self.segments[chunk.segment] = (k, v)
                for home, tokens in zip(self.segments[chunk.segment], new, strict=True):
                    end = chunk.past + chunk.count
                    home[:, chunk.past : end] = tokens[:, chunk.first : chunk.first + chunk.count]

    def move(self, source: int, target: int) -> None:
        """Copy a slot over another."""
        for home in self.slots or ():
            home[target] = home[source]

    def _make_room(self, layout: BatchTensors, new: tuple[torch.Tensor, torch.Tensor]) -> None:
        slots, capacity = (self.slots[0].shape[0], self.slots[0].shape[2]) if self.slots else (0, 0)
        held = layout.step.held
        if layout.step.rows <= slots and held <= capacity:
            return
        # As many slots as there are rows, and half as much again as any holds, so that growing costs little: a long row
        # that has left must not go on to decide what every new slot takes
        slots, capacity = layout.step.rows, max(FIRST_CAPACITY, held + held // 2)
        grown = []
        for number, tokens in enumerate(new):
            # Zeros: what stands behind a row's end is looked at with no weight, and must be a number
            fresh = tokens.new_zeros((slots, tokens.shape[0], capacity, tokens.shape[2]))
            if self.slots:
                old = self.slots[number]
                rows, filled = min(old.shape[0], slots), min(old.shape[2], capacity)
                fresh[:rows, :, :filled] = old[:rows, :, :filled]
            grown.append(fresh)
        self.slots = (grown[0], grown[1])


class KVCache:
    """All layers, and the step that is being computed."""

    def __init__(self, layers: int) -> None:
        """`derived`: attention is given keys made from what the cache returns, not those themselves."""
        self.derived = False
        self.cache = _CacheAdapter(self, layers)
        self._layers = [LayerKVCache() for _ in range(layers)]
        self._layout: BatchTensors | None = None
        self._new: dict[int, tuple[int, tuple[torch.Tensor, torch.Tensor]]] = {}

    def begin(self, layout: BatchTensors) -> None:
        """Make `layout` the step that `update` and `attend` are about."""
        self._layout, self._new = layout, {}

    def apply_moves(self, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> None:
        """Carry out a scheduler's moves of slots, in order, and let go of segments."""
        for layer in self._layers:
            for source, target in moves:
                layer.move(source, target)
            for segment in freed:
                layer.segments.pop(segment, None)

    def bytes_of(self, segment: PrefixNode) -> int:
        """What a stored segment takes in all layers."""
        pairs = [layer.segments[segment] for layer in self._layers if segment in layer.segments]
        return sum(one.numel() * one.element_size() for pair in pairs for one in pair)

    def clear(self) -> None:
        """Let go of everything."""
        self._layers = [LayerKVCache() for _ in self._layers]
        self._layout, self._new = None, {}

    def update(self, keys: torch.Tensor, values: torch.Tensor, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Store a layer's new keys and values [1, heads, T, width]; return what attention is to be given."""
        layout = self._layout
        if layout is None or keys.dim() != 4 or keys.shape[0] != 1 or keys.shape[2] != len(layout.step):
            raise PackingUnsupported("keys come in another shape than one row of tokens")
        new = (keys[0], values[0])
        self._layers[layer].write(layout, new)
        if self.derived:
            homes = self._kv_pieces(layout, layer, new)
            return torch.cat([k for k, _ in homes], 1)[None], torch.cat([v for _, v in homes], 1)[None]
        # By the tensor itself: layers may attend to another layer's keys
        self._new[id(keys)] = (layer, (keys, values))
        return keys, values

    def mask(self, *, mask_function: Callable[..., Any], attention_mask: Any = None, **_: Any) -> AttentionMask:
        """Wrap the model's mask function, to be asked piece by piece; called as transformers calls mask makers."""
        if attention_mask is not None or self._layout is None:
            raise PackingUnsupported("a padding mask was made")
        return AttentionMask(self._layout, mask_function)

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
        layout = self._layout
        scale, softcap, sinks = (settings.pop(name, None) for name in ("scaling", "softcap", "s_aux"))
        odd = sorted(name for name, one in settings.items() if one is not None and one is not False)
        if odd := [name for name in odd if name not in IGNORED_SETTINGS]:
            raise PackingUnsupported(f"attention is called with {', '.join(odd)}")
        if layout is None or not isinstance(attention_mask, AttentionMask) or query.shape[0] != 1:
            raise PackingUnsupported("attention is called without the mask of one row of tokens")
        heads, tokens, width = query.shape[1:]
        groups = heads // key.shape[1]
        grouped = query[0].view(key.shape[1], groups, tokens, width)
        made = PartialAttention(grouped, value.shape[-1], scale if scale is not None else width**-0.5, softcap)
        if self.derived:
            self._attend_to(layout, _cut(layout, key[0], value[0]), attention_mask, made)
        else:
            if id(key) not in self._new:
                raise PackingUnsupported("attention is given other keys than the cache returned")
            layer, _ = self._new[id(key)]
            self._attend_to(
                layout, self._kv_pieces(layout, layer, (key[0], value[0]), flat=False), attention_mask, made
            )
        if sinks is not None:
            made.sink(sinks.view(key.shape[1], groups, 1))
        return made.result(query.dtype), None

    def _kv_pieces(
        self, layout: BatchTensors, layer: int, new: tuple[torch.Tensor, torch.Tensor], *, flat: bool = True
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Keys and values of each piece: the segments, the slots that generate, the chunks; [heads, tokens, width].

        The slots' are [rows, heads, tokens, width] unless they are to be flat.
        """
        store, step = self._layers[layer], layout.step
        found = [store.segments[segment] for segment in step.shared]
        if step.decode:
            assert store.slots is not None
            k, v = (home[: step.decode, :, : layout.own_width] for home in store.slots)
            found.append((k.transpose(0, 1).flatten(1, 2), v.transpose(0, 1).flatten(1, 2)) if flat else (k, v))
        for chunk in step.chunks:
            end = chunk.past + chunk.count
            if chunk.slot is not None:
                assert store.slots is not None
                found.append((store.slots[0][chunk.slot, :, :end], store.slots[1][chunk.slot, :, :end]))
            elif chunk.segment is not None:
                k, v = store.segments[chunk.segment]
                found.append((k[:, :end], v[:, :end]))
            else:
                first, last = chunk.first, chunk.first + chunk.count
                found.append((new[0][:, first:last], new[1][:, first:last]))
        return found

    def _attend_to(
        self,
        layout: BatchTensors,
        homes: Sequence[tuple[torch.Tensor, torch.Tensor]],
        seen: AttentionMask,
        made: PartialAttention,
    ) -> None:
        """Attend piece by piece. Every token's own home comes first, which it always sees something of."""
        step, shared = layout.step, len(layout.step.shared)
        rest = list(homes[shared:])
        if step.decode:
            k, v = rest.pop(0)
            made.rows(k, v, seen.rows_bias())
        for number, (chunk, (k, v)) in enumerate(zip(step.chunks, rest, strict=True)):
            made.start(chunk.first, chunk.count, k, v, seen.chunk_bias(number))
        for number, (k, v) in enumerate(homes[:shared]):
            for place, (first, last) in enumerate(layout.ranges[number]):
                bias = seen.segment_bias(number, place)
                if bias is not False:
                    made.add(first, last, k, v, bias)


def _cut(layout: BatchTensors, key: torch.Tensor, value: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Cut keys and values [heads, all tokens, width] that were made from the flat homes into pieces again."""
    step = layout.step
    sizes = [len(segment.ids) for segment in step.shared]
    if step.decode:
        sizes.append(step.decode * layout.own_width)
    sizes += [chunk.past + chunk.count for chunk in step.chunks]
    if sum(sizes) != key.shape[1]:
        raise PackingUnsupported("attention is given other keys than the cache returned")
    found = list(zip(torch.split(key, sizes, 1), torch.split(value, sizes, 1), strict=True))
    if step.decode:
        place = len(step.shared)
        shape = (key.shape[0], step.decode, layout.own_width, -1)
        k, v = (one.reshape(shape).transpose(0, 1) for one in found[place])
        found[place] = (k, v)
    return found


class _CacheAdapter(Cache):  # type: ignore[misc]
    """What a model takes for its cache. It says that nothing came before: positions are told by `position_ids`."""

    def __init__(self, store: KVCache, layers: int) -> None:
        super().__init__(layers=[DynamicLayer() for _ in range(layers)])
        self._store = store

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._store.update(key_states, value_states, layer_idx)

    def get_seq_length(self, layer_idx: int | None = None) -> int:
        # A layer that asks makes its own positions of the answer, and rows of unrelated tokens have no one answer
        if layer_idx is not None:
            raise PackingUnsupported("a layer asks how many tokens came before")
        return 0

    def get_query_offset(self, layer_idx: int = 0) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        return query_length, 0
