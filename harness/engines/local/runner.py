"""A step carried out by a transformers model: its tokens as one row, attention by the store, logits where asked for.

Guarantees: the model's own code computes everything but attention and the cache, so heads with caps and scales, norms
and routings are what they are. Raises Unpackable where the model cannot be run so; whether it then computes the right
thing is for the self-check to find out.
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
    """One model and its store."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Make the store known to transformers. Raises Unpackable for a model that has no place for it."""
        self.model = model
        self.device = model.device
        parameters = inspect.signature(model.forward).parameters
        self._keeps_logits = "logits_to_keep" in parameters
        self._cache_name = cache_name(model)
        if "position_ids" not in parameters or self._cache_name not in ATTENTION_CACHES:
            raise PackingUnsupported(f"{type(model).__name__} takes no position_ids, or no cache of keys and values")
        self.store = KVCache(_attention_layers(model))
        self._name = f"harness_{id(self):x}"
        AttentionInterface.register(self._name, self.store.attend)
        AttentionMaskInterface.register(self._name, self.store.mask)
        self._before = {id(config): (config, config._attn_implementation) for config in _configs(model)}

    @contextmanager
    def own_attention(self) -> Iterator[None]:
        """In here the model's attention is the store's; afterwards it is its own, and nothing is stored."""
        for config, _ in self._before.values():
            config._attn_implementation_internal = self._name
        try:
            yield
        finally:
            for config, implementation in self._before.values():
                config._attn_implementation_internal = implementation
            self.store.clear()

    def close(self) -> None:
        """Take our attention out of transformers' lists."""
        for interface in (AttentionInterface, AttentionMaskInterface):
            interface._global_mapping.pop(self._name, None)

    @torch.inference_mode()
    def probe(self, ids: Sequence[int]) -> int:
        """Run a few tokens to see how the model uses its cache; return the bytes that one token's keys and values take.

        Raises Unpackable.
        """
        segment = PrefixNode(tuple(ids), 0, None, 1)
        for derived in (False, True):
            self.store.clear()
            self.store.derived = derived
            try:
                self._forward(_storing(segment))
                size = self.store.bytes_of(segment)
                self.store.clear()
                return size // len(ids)
            except MODEL_ERRORS as error:
                if derived:
                    raise PackingUnsupported(_line(error)) from None
        raise AssertionError("unreachable")

    @torch.inference_mode()
    def run(self, step: PackedBatch, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> BatchResult:
        """Compute a step, after the moves and releases that came before it."""
        self.store.apply_moves(moves, freed)
        logits = self._forward(step)
        return BatchResult(_drawn(step, logits), _targets(step, logits))

    def _forward(self, step: PackedBatch) -> torch.Tensor:
        """Logits [outputs, vocabulary] of a step."""
        layout = BatchTensors(step, self.device)
        self.store.begin(layout)
        # At least one: the head is asked for something in any case
        outputs = torch.tensor(step.outputs or [len(step) - 1], device=self.device)
        kept = {"logits_to_keep": outputs} if self._keeps_logits else {}
        out = self.model(
            input_ids=layout.ids,
            position_ids=layout.positions,
            use_cache=True,
            return_dict=True,
            **{self._cache_name: self.store.cache},
            **kept,
        )
        logits: torch.Tensor = out.logits[0]
        return logits if self._keeps_logits and logits.shape[0] == outputs.shape[0] else logits[outputs]


def _drawn(step: PackedBatch, logits: torch.Tensor) -> list[SampledToken]:
    if not step.sampling_queries:
        return []
    rows = _rows(logits, [one.output for one in step.sampling_queries])
    return [
        SampledToken(*one)
        for one in sample(rows, [(one.sampling, one.seed, one.number) for one in step.sampling_queries])
    ]


def _targets(step: PackedBatch, logits: torch.Tensor) -> list[TokenLogprob]:
    if not step.targets:
        return []
    used = sorted({output for output, _ in step.targets})
    place = {output: number for number, output in enumerate(used)}
    found = score(_rows(logits, used), [(place[output], token) for output, token in step.targets])
    return [TokenLogprob(*one) for one in found]


def _rows(logits: torch.Tensor, outputs: Sequence[int]) -> torch.Tensor:
    """Logits of some outputs, without a copy where they stand together: a copy takes as long as a layer."""
    first, last = outputs[0], outputs[-1] + 1
    if list(outputs) == list(range(first, last)):
        return logits[first:last]
    return logits[torch.tensor(outputs, device=logits.device)]


def _storing(segment: PrefixNode) -> PackedBatch:
    """A step that stores a whole segment."""
    step = PackedBatch()
    step.chunks.append(Chunk(step.add(segment.ids, segment.start), len(segment.ids), segment=segment))
    return step


def _attention_layers(model: PreTrainedModel) -> int:
    """How many layers the model's cache has. Raises Unpackable where one keeps something else than keys and values."""
    layers = DynamicCache(config=model.config).layers
    odd = {type(layer).__name__ for layer in layers} - {"DynamicLayer", "DynamicSlidingWindowLayer"}
    if odd:
        raise PackingUnsupported(f"its cache has layers of kind {', '.join(sorted(odd))}")
    text = model.config.get_text_config()
    return len(layers) or int(text.num_hidden_layers)


def _configs(model: PreTrainedModel) -> list[Any]:
    """The configs whose attention implementation the model's modules look up."""
    found = {id(config): config for config in (model.config, model.config.get_text_config())}
    for module in model.modules():
        config = getattr(module, "config", None)
        if hasattr(config, "_attn_implementation_internal"):
            found[id(config)] = config
    return list(found.values())


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
