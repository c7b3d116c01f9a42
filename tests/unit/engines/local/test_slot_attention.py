"""Tokens of many slots attended to together equal plain softmax attention of each sequence by itself, in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
import torch

from harness.engines.local import kv_cache
from harness.engines.local.kv_cache import KVCache
from harness.engines.local.listed_attention import listed_is_faster
from harness.engines.local.masks import BatchTensors
from harness.engines.local.packed_batch import Chunk, PackedBatch
from harness.engines.local.partial_attention import partial
from harness.engines.local.prefix_tree import PrefixNode

HEADS, GROUP, WIDTH = 2, 3, 8
WINDOW = 9


def everything(_batch: int, _head: int, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    return key <= query


def window(_batch: int, _head: int, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    return (key <= query) & (key > query - WINDOW)


@dataclass
class Model:
    """One layer of attention over slots, and for each slot all that it has read."""

    value_width: int
    cache: KVCache = field(default_factory=lambda: KVCache(1))
    read: dict[int, list[tuple[torch.Tensor, torch.Tensor]]] = field(default_factory=dict)
    numbers: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(5))

    def sample(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.numbers) * 1.5

    @torch.inference_mode()
    def step(
        self, batch: PackedBatch, mask: object, softcap: float | None, prefix: PrefixNode | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The engine's result and the oracle's [T, heads, value width]."""
        tensors = BatchTensors(batch, torch.device("cpu"))
        self.cache.begin(tensors)
        count = len(batch)
        # As a model gives them: tokens first in memory, heads first in shape
        query = self.sample(1, count, HEADS * GROUP, WIDTH).transpose(1, 2)
        key = self.sample(1, count, HEADS, WIDTH).transpose(1, 2)
        value = self.sample(1, count, HEADS, self.value_width).transpose(1, 2)
        key, value = self.cache.adapter.update(key, value, 0)
        bias = self.cache.mask(mask_function=mask)
        layer = torch.nn.Module()
        got, _ = self.cache.attend(layer, query, key, value, bias, scaling=WIDTH**-0.5, softcap=softcap)

        owners: list[int] = list(range(batch.decode))
        for chunk in batch.chunks:
            owners += [-1 if chunk.slot is None else chunk.slot] * chunk.count
        right = []
        for token, owner in enumerate(owners):
            pairs = self.read.setdefault(owner, [])
            pairs.append((key[0, :, token], value[0, :, token]))
            seen = [*(self.read[-1] if prefix and owner >= 0 else []), *pairs]
            keys, values = (torch.stack([pair[which] for pair in seen], 1).double() for which in (0, 1))
            scores = query[0, :, token].double().view(HEADS, GROUP, WIDTH) @ keys.transpose(1, 2) * WIDTH**-0.5
            scores = scores if softcap is None else torch.tanh(scores / softcap) * softcap
            visible = mask(0, 0, torch.tensor(len(seen) - 1), torch.arange(len(seen)))  # type: ignore[operator]
            scores = scores.masked_fill(~visible, -math.inf)
            right.append((scores.softmax(-1) @ values).flatten(0, 1))
        return got[0].double(), torch.stack(right)


def batch_of(model: Model, decode: int, chunks: list[tuple[int, int]], prefix: PrefixNode | None) -> PackedBatch:
    """One token each of the first slots, then chunks (slot, count)."""
    start = prefix.end if prefix else 0
    stored = {slot: len(pairs) for slot, pairs in model.read.items()}
    batch = PackedBatch(decode=decode, lengths=[stored[slot] for slot in range(decode)])
    sizes = [*((slot, 1) for slot in range(decode)), *chunks]
    for number, (slot, count) in enumerate(sizes):
        past = stored.get(slot, 0)
        first = batch.add([0] * count, start + past)
        batch.attend_to_prefix(prefix, first, count)
        if number >= decode:
            batch.chunks.append(Chunk(first, count, past, slot=slot))
        batch.slot_tokens = max(batch.slot_tokens, past + count)
    batch.slots = 1 + max([slot for slot, _ in sizes] + [slot for slot in stored if slot >= 0])
    return batch


@pytest.mark.parametrize("lists", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("mask", [everything, window])
@pytest.mark.parametrize(("softcap", "value_width"), [(None, WIDTH), (2.0, WIDTH), (None, 4)])
def test_slots_together_are_each_sequence_alone(
    lists: bool,
    shared: bool,
    mask: object,
    softcap: float | None,
    value_width: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kv_cache, "listed_is_faster", lambda *_: lists)
    monkeypatch.setattr(kv_cache, "LEAST_LISTED", 1)
    model, prefix = Model(value_width), None
    if shared:
        prefix = PrefixNode(tuple(range(11)), 0, None, users=5, waiting=5)
        batch = PackedBatch()
        batch.chunks.append(Chunk(batch.add(prefix.ids, 0), 11, node=prefix))
        model.step(batch, mask, softcap)
    steps: list[tuple[int, list[tuple[int, int]]]] = [
        # Prompts, one of them longer than what counts as short
        (0, [(0, 4), (1, 20), (2, 7), (3, 1)]),
        # Two generate; two continue by several tokens, as drafts do, in the order of the slots and against it
        (2, [(2, 3), (3, 5)]),
        (2, [(3, 2), (2, 9)]),
        # A new slot, so that the tensors grow; all of them by several tokens
        (0, [(0, 2), (1, 3), (2, 2), (3, 6), (4, 1)]),
        (5, []),
        (3, [(4, 5)]),
    ]
    for decode, chunks in steps:
        got, right = model.step(batch_of(model, decode, chunks, prefix), mask, softcap, prefix)
        assert got.shape == right.shape
        assert torch.allclose(got, right, atol=3e-6, rtol=1e-5), (decode, chunks)


def test_lists_are_for_float32_on_a_cpu_only() -> None:
    query, key = torch.zeros(HEADS, GROUP, 4, WIDTH), torch.zeros(HEADS, 4, WIDTH)
    assert not listed_is_faster(query.bfloat16(), key.bfloat16(), WIDTH, partial)
    # A kernel that computes something else is not taken for the slower one
    assert not listed_is_faster(query, key, WIDTH, lambda q, *_: (q * 0 + 7, q[..., 0]))
