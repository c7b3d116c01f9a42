"""Executes a packed batch with a transformers model: tokens as one row, attention through the KV cache.

Guarantees: the model's own code computes everything but attention and the cache, so scaled or capped heads, norms and
routing are its own. Raises PackingUnsupported where the model cannot run packed; whether it then computes the right
numbers is for the self-check to find out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, DynamicCache, PreTrainedModel

from harness.engines.hf.model_errors import MODEL_ERRORS
from harness.engines.local.kv_cache import KVCache, PackingUnsupported
from harness.engines.local.masks import BatchTensors
from harness.engines.local.packed_batch import BatchResult, Chunk, PackedBatch, SampledToken, TokenLogprob
from harness.engines.local.padded_batch import ATTENTION_CACHES, cache_name
from harness.engines.local.prefix_tree import PrefixNode
from harness.engines.local.sampling import sample, score


class Runner:
    """One model and its KV cache."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Register the KV cache with transformers. Raises PackingUnsupported for a model that cannot use it."""
        self.model = model
        self.device = model.device
        parameters = inspect.signature(model.forward).parameters
        self._keeps_logits = "logits_to_keep" in parameters
        self._cache_name = cache_name(model)
        if "position_ids" not in parameters or self._cache_name not in ATTENTION_CACHES:
            raise PackingUnsupported(f"{type(model).__name__} takes no position_ids, or no cache of keys and values")
        self.kv_cache = KVCache(_attention_layers(model))
        self._name = f"harness_{id(self):x}"
        AttentionInterface.register(self._name, self.kv_cache.attend)
        AttentionMaskInterface.register(self._name, self.kv_cache.mask)
        self._before = {id(config): (config, config._attn_implementation) for config in _configs(model)}

    @contextmanager
    def packed_attention(self) -> Iterator[None]:
        """Inside, the model's attention goes through the KV cache; afterwards it is its own, and nothing is stored."""
        for config, _ in self._before.values():
            config._attn_implementation_internal = self._name
        try:
            yield
        finally:
            for config, implementation in self._before.values():
                config._attn_implementation_internal = implementation
            self.kv_cache.clear()

    def close(self) -> None:
        """Unregister our attention from transformers."""
        for interface in (AttentionInterface, AttentionMaskInterface):
            interface._global_mapping.pop(self._name, None)

    @torch.inference_mode()
    def probe(self, ids: Sequence[int]) -> int:
        """Run a few tokens to see how the model uses its cache; return the bytes of one token's keys and values.

        Raises PackingUnsupported.
        """
        node = PrefixNode(tuple(ids), 0, None, 1)
        for derived in (False, True):
            self.kv_cache.clear()
            self.kv_cache.derived = derived
            try:
                self._forward(_storing_batch(node))
                size = self.kv_cache.bytes_of(node)
                self.kv_cache.clear()
                return size // len(ids)
            except MODEL_ERRORS as error:
                if derived:
                    raise PackingUnsupported(_one_line(error)) from None
        raise AssertionError("unreachable")

    @torch.inference_mode()
    def run(self, batch: PackedBatch, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> BatchResult:
        """Compute a batch, after the moves and frees that come before it."""
        self.kv_cache.apply_moves(moves, freed)
        logits = self._forward(batch)
        return BatchResult(_sampled_tokens(batch, logits), _target_logprobs(batch, logits))

    def _forward(self, batch: PackedBatch) -> torch.Tensor:
        """Logits [outputs, vocabulary] of a batch."""
        tensors = BatchTensors(batch, self.device)
        self.kv_cache.begin(tensors)
        # At least one: the output head needs a token in any case
        outputs = torch.tensor(batch.outputs or [len(batch) - 1], device=self.device)
        kept = {"logits_to_keep": outputs} if self._keeps_logits else {}
        out = self.model(
            input_ids=tensors.ids,
            position_ids=tensors.positions,
            use_cache=True,
            return_dict=True,
            **{self._cache_name: self.kv_cache.adapter},
            **kept,
        )
        logits: torch.Tensor = out.logits[0]
        return logits if self._keeps_logits and logits.shape[0] == outputs.shape[0] else logits[outputs]


def _sampled_tokens(batch: PackedBatch, logits: torch.Tensor) -> list[SampledToken]:
    if not batch.sampling_queries:
        return []
    rows = _rows(logits, [query.output for query in batch.sampling_queries])
    return [
        SampledToken(*token)
        for token in sample(rows, [(query.sampling, query.seed, query.number) for query in batch.sampling_queries])
    ]


def _target_logprobs(batch: PackedBatch, logits: torch.Tensor) -> list[TokenLogprob]:
    if not batch.targets:
        return []
    used = sorted({output for output, _ in batch.targets})
    row_of = {output: number for number, output in enumerate(used)}
    scores = score(_rows(logits, used), [(row_of[output], token) for output, token in batch.targets])
    return [TokenLogprob(*token_score) for token_score in scores]


def _rows(logits: torch.Tensor, outputs: Sequence[int]) -> torch.Tensor:
    """Logits of some outputs, without a copy where they are consecutive: a copy takes as long as a layer."""
    first, last = outputs[0], outputs[-1] + 1
    if list(outputs) == list(range(first, last)):
        return logits[first:last]
    return logits[torch.tensor(outputs, device=logits.device)]


def _storing_batch(node: PrefixNode) -> PackedBatch:
    """A batch that stores a whole prefix node."""
    batch = PackedBatch()
    batch.chunks.append(Chunk(batch.add(node.ids, node.start), len(node.ids), node=node))
    return batch


def _attention_layers(model: PreTrainedModel) -> int:
    """Layers of the model's cache. Raises PackingUnsupported if one stores something other than keys and values."""
    layers = DynamicCache(config=model.config).layers
    unsupported = {type(layer).__name__ for layer in layers} - {"DynamicLayer", "DynamicSlidingWindowLayer"}
    if unsupported:
        raise PackingUnsupported(f"its cache has layers of kind {', '.join(sorted(unsupported))}")
    text = model.config.get_text_config()
    return len(layers) or int(text.num_hidden_layers)


def _configs(model: PreTrainedModel) -> list[Any]:
    """The configs whose attention implementation the model's modules look up."""
    configs = {id(config): config for config in (model.config, model.config.get_text_config())}
    for module in model.modules():
        config = getattr(module, "config", None)
        if hasattr(config, "_attn_implementation_internal"):
            configs[id(config)] = config
    return list(configs.values())


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
