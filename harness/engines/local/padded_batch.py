"""Rows through a model's own attention and cache: the tensors of the padded level.

A `PrefixCache` is what a chain of shared segments left in the model's cache; a `PaddedBatch` holds rows that go on from one, with
the cache repeated for each row. Where every layer keeps plain keys and values, rows of unequal lengths are padded on
the left: a shorter row's copy of the prefix is moved to the right, and what of it no longer fits is read again. Other
caches (states, windows of their own) take rows of equal lengths only.
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
    """The argument of the model's forward; empty for a model that takes no cache of transformers' kind."""
    parameters = inspect.signature(model.forward).parameters
    return next((name for name in (*ATTENTION_CACHES, *STATE_CACHES) if name in parameters), "")


PLAIN_LAYERS = {"DynamicLayer", "DynamicSlidingWindowLayer"}
CHUNK_TOKENS = 1024


@dataclass(slots=True)
class PrefixCache:
    """Token ids and what the model's cache holds after them, for one row."""

    ids: tuple[int, ...]
    cache: Any


@dataclass(slots=True)
class PaddedBatch:
    """Rows in the order of the cache's; `mask` [rows, columns] is 0 where a row is padded."""

    rows: list[SequenceState]
    cache: Any
    mask: torch.Tensor

    def keep(self, places: Sequence[int]) -> None:
        """Let go of all rows but these."""
        index = torch.tensor(places, device=self.mask.device)
        self.cache.reorder_cache(index)
        self.mask = self.mask[index]
        self.rows = [self.rows[place] for place in places]

    def join(self, other: PaddedBatch) -> None:
        """Take another batch's rows in; both must hold plain keys and values."""
        width = max(self.mask.shape[1], other.mask.shape[1])
        for mine, theirs in zip(self.cache.layers, other.cache.layers, strict=True):
            if mine.is_initialized:
                mine.keys = torch.cat([_widened(mine.keys, width, -2), _widened(theirs.keys, width, -2)])
                mine.values = torch.cat([_widened(mine.values, width, -2), _widened(theirs.values, width, -2)])
        self.mask = torch.cat([_widened(self.mask, width, -1), _widened(other.mask, width, -1)])
        self.rows += other.rows


class PaddedModel:
    """A model and how it wants to be called."""

    def __init__(self, model: PreTrainedModel, device: str) -> None:
        """`unequal` says whether rows of one batch may have different lengths."""
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
        """No tokens. Windows are kept whole where rows are padded: the mask says what is seen."""
        return PrefixCache((), DynamicCache() if self._plain else DynamicCache(config=self._model.config))

    @torch.inference_mode()
    def extend(self, prefix: PrefixCache, ids: Sequence[int]) -> PrefixCache:
        """The prefix with more tokens; the old one stays as it is."""
        cache = copy.deepcopy(prefix.cache)
        done = len(prefix.ids)
        for start in range(0, len(ids), CHUNK_TOKENS):
            part = torch.tensor([ids[start : start + CHUNK_TOKENS]], device=self._device)
            seen = done + start + part.shape[1]
            self._forward(part, torch.ones(1, seen, dtype=torch.long, device=self._device), cache, 1)
        return PrefixCache((*prefix.ids, *ids), cache)

    @torch.inference_mode()
    def start(
        self, prefix: PrefixCache, rows: Sequence[SequenceState], keep: int = 1
    ) -> tuple[PaddedBatch, torch.Tensor]:
        """Read the rows' own ids; return the batch and the logits [rows, keep, vocabulary] of the last columns."""
        lengths = [len(row.ids) for row in rows]
        width, shared = max(lengths), len(prefix.ids)
        mask = torch.ones(len(rows), shared + width, dtype=torch.long, device=self._device)
        columns = []
        for place, row in enumerate(rows):
            pad = width - lengths[place]
            mask[place, :pad] = 0
            whole = [*prefix.ids[max(0, shared - pad) :], *row.ids]
            columns.append([0] * (width - len(whole)) + whole)
        cache = self._repeated(prefix, [width - length for length in lengths])
        logits = self._forward(torch.tensor(columns, device=self._device), mask, cache, keep)
        return PaddedBatch(list(rows), cache, mask), logits

    @torch.inference_mode()
    def next(self, batch: PaddedBatch) -> torch.Tensor:
        """Read each row's newest token; return logits [rows, vocabulary]."""
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(batch.rows), 1)], 1)
        ids = torch.tensor([[row.ids[-1]] for row in batch.rows], device=self._device)
        return self._forward(ids, batch.mask, batch.cache, 1)[:, -1]

    def _repeated(self, prefix: PrefixCache, pads: Sequence[int]) -> Any:
        """A cache for several rows; a row's columns are `pads` further to the right than the prefix's."""
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
        asked = {"attention_mask": mask, "position_ids": positions, "logits_to_keep": keep, "use_cache": True}
        if not self.unequal:
            # Nothing is padded, and some models with states take a mask for one of this call's tokens alone
            del asked["attention_mask"]
        known = {name: value for name, value in asked.items() if name in self._parameters}
        out = self._model(input_ids=ids, **{self._cache_name: cache}, **known, return_dict=True)
        logits: torch.Tensor = out.logits[:, -keep:]
        return logits


def _shifted(stored: torch.Tensor, pads: Sequence[int]) -> torch.Tensor:
    """[1, heads, tokens, width] for each row moved to the right; what is pushed out is dropped."""
    tokens = stored.shape[-2]
    moved = stored.new_zeros((len(pads), *stored.shape[1:]))
    for place, pad in enumerate(pads):
        if pad < tokens:
            moved[place, ..., pad:, :] = stored[0, ..., : tokens - pad, :]
    return moved


def _widened(tensor: torch.Tensor, width: int, dim: int) -> torch.Tensor:
    """Zeros on the left up to `width`."""
    missing = width - tensor.shape[dim]
    shape = list(tensor.shape)
    shape[dim] = missing
    return torch.cat([tensor.new_zeros(shape), tensor], dim) if missing else tensor
