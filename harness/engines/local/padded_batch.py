"""Sequences through a model's own attention and cache: the tensors of the padded mode.

A `PrefixCache` is the model's cache after a chain of shared prefix nodes; a `PaddedBatch` holds sequences that continue
from one, with the cache repeated for each. Where every layer keeps plain keys and values, sequences of unequal lengths
are padded on the left: a shorter one's copy of the prefix is moved to the right, and what of it no longer fits is read
again. Other caches (states, sliding windows of their own) take sequences of equal lengths only.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel

from harness.engines.local.prefix_tree import SequenceState

ATTENTION_CACHES = ("past_key_values", "cache")
STATE_CACHES = ("cache_params",)


def cache_name(model: PreTrainedModel) -> str:
    """The cache argument of the model's forward; empty for a model that takes no cache of transformers' kind."""
    parameters = inspect.signature(model.forward).parameters
    return next((name for name in (*ATTENTION_CACHES, *STATE_CACHES) if name in parameters), "")


PLAIN_LAYERS = {"DynamicLayer", "DynamicSlidingWindowLayer"}
CHUNK_TOKENS = 1024


@dataclass(slots=True)
class PrefixCache:
    """Token ids and the model's cache after them, for one sequence."""

    ids: tuple[int, ...]
    cache: Any


@dataclass(slots=True)
class PaddedBatch:
    """Sequences in the order of the cache's batch dimension; `mask` [sequences, columns] is 0 where padded."""

    sequences: list[SequenceState]
    cache: Any
    mask: torch.Tensor

    def keep(self, indices: Sequence[int]) -> None:
        """Keep only these sequences."""
        index = torch.tensor(indices, device=self.mask.device)
        self.cache.reorder_cache(index)
        self.mask = self.mask[index]
        self.sequences = [self.sequences[index] for index in indices]

    def join(self, other: PaddedBatch) -> None:
        """Add another batch's sequences; both must hold plain keys and values."""
        width = max(self.mask.shape[1], other.mask.shape[1])
        for own_layer, other_layer in zip(self.cache.layers, other.cache.layers, strict=True):
            if own_layer.is_initialized:
                own_layer.keys = torch.cat([_widened(own_layer.keys, width, -2), _widened(other_layer.keys, width, -2)])
                own_layer.values = torch.cat(
                    [_widened(own_layer.values, width, -2), _widened(other_layer.values, width, -2)]
                )
        self.mask = torch.cat([_widened(self.mask, width, -1), _widened(other.mask, width, -1)])
        self.sequences += other.sequences


class PaddedModel:
    """A model and the arguments that its forward takes."""

    def __init__(self, model: PreTrainedModel, device: str) -> None:
        """`unequal`: whether sequences of one batch may have different lengths."""
        self._model = model
        self._device = device
        self._parameters = inspect.signature(model.forward).parameters
        layers = {type(layer).__name__ for layer in DynamicCache(config=model.config).layers}
        self._plain = layers <= PLAIN_LAYERS
        self.unequal = self._plain and "attention_mask" in self._parameters
        self._cache_name = cache_name(model)

    @property
    def caches(self) -> bool:
        """Whether the model takes a cache of transformers' kind."""
        return bool(self._cache_name)

    def empty(self) -> PrefixCache:
        """No tokens. Sliding windows are kept whole where sequences are padded: the mask limits what is visible."""
        return PrefixCache((), DynamicCache() if self._plain else DynamicCache(config=self._model.config))

    @torch.inference_mode()
    def extend(self, prefix: PrefixCache, ids: Sequence[int]) -> PrefixCache:
        """The prefix with more tokens; the given one is not changed."""
        cache = copy.deepcopy(prefix.cache)
        done = len(prefix.ids)
        for start in range(0, len(ids), CHUNK_TOKENS):
            part = torch.tensor([ids[start : start + CHUNK_TOKENS]], device=self._device)
            length = done + start + part.shape[1]
            self._forward(part, torch.ones(1, length, dtype=torch.long, device=self._device), cache, 1)
        return PrefixCache((*prefix.ids, *ids), cache)

    @torch.inference_mode()
    def start(
        self, prefix: PrefixCache, sequences: Sequence[SequenceState], keep: int = 1
    ) -> tuple[PaddedBatch, torch.Tensor]:
        """Read the sequences' own ids; return the batch and the last logits [sequences, keep, vocabulary]."""
        lengths = [len(sequence.ids) for sequence in sequences]
        width, shared = max(lengths), len(prefix.ids)
        mask = torch.ones(len(sequences), shared + width, dtype=torch.long, device=self._device)
        columns = []
        for index, sequence in enumerate(sequences):
            pad = width - lengths[index]
            mask[index, :pad] = 0
            whole = [*prefix.ids[max(0, shared - pad) :], *sequence.ids]
            columns.append([0] * (width - len(whole)) + whole)
        cache = self._repeated(prefix, [width - length for length in lengths])
        logits = self._forward(torch.tensor(columns, device=self._device), mask, cache, keep)
        return PaddedBatch(list(sequences), cache, mask), logits

    @torch.inference_mode()
    def next(self, batch: PaddedBatch) -> torch.Tensor:
        """Read each sequence's newest token; return logits [sequences, vocabulary]."""
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(batch.sequences), 1)], 1)
        ids = torch.tensor([[sequence.ids[-1]] for sequence in batch.sequences], device=self._device)
        return self._forward(ids, batch.mask, batch.cache, 1)[:, -1]

    def _repeated(self, prefix: PrefixCache, pads: Sequence[int]) -> Any:
        """A cache for several sequences; each one's columns are `pads` further to the right than the prefix's."""
        if not any(pads):
            cache = copy.deepcopy(prefix.cache)
            if prefix.ids:
                cache.reorder_cache(torch.zeros(len(pads), dtype=torch.long, device=self._device))
            return cache
        cache = DynamicCache()
        for number, layer in enumerate(prefix.cache.layers if prefix.ids else []):
            if layer.is_initialized:
                cache.update(_shifted(layer.keys, pads), _shifted(layer.values, pads), number)
        return cache

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: Any, keep: int) -> torch.Tensor:
        """Logits of the last `keep` columns. `mask` covers what is cached and `ids`."""
        positions = (mask.cumsum(-1) - 1).clamp_(min=0)[:, -ids.shape[1] :]
        arguments = {"attention_mask": mask, "position_ids": positions, "logits_to_keep": keep, "use_cache": True}
        if not self.unequal:
            # Nothing is padded, and some models with states take a mask for one that covers this call's tokens alone
            del arguments["attention_mask"]
        known = {name: value for name, value in arguments.items() if name in self._parameters}
        out = self._model(input_ids=ids, **{self._cache_name: cache}, **known, return_dict=True)
        logits: torch.Tensor = out.logits[:, -keep:]
        return logits


def _shifted(stored: torch.Tensor, pads: Sequence[int]) -> torch.Tensor:
    """[1, heads, tokens, width] moved to the right for each sequence; what leaves the width is dropped."""
    tokens = stored.shape[-2]
    moved = stored.new_zeros((len(pads), *stored.shape[1:]))
    for index, pad in enumerate(pads):
        if pad < tokens:
            moved[index, ..., pad:, :] = stored[0, ..., : tokens - pad, :]
    return moved


def _widened(tensor: torch.Tensor, width: int, dim: int) -> torch.Tensor:
    """Zeros on the left up to `width`."""
    missing = width - tensor.shape[dim]
    shape = list(tensor.shape)
    shape[dim] = missing
    return torch.cat([tensor.new_zeros(shape), tensor], dim) if missing else tensor
