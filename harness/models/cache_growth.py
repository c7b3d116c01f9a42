"""What a token adds to the cache of a model that runs: measured, whatever the class keeps and calls it.

One prompt of each of two lengths goes through the model; every number in the cache that it returns is counted.
The difference is what tokens add, the rest is fixed: windows that are full, states, what waits to be compressed.
Guarantees: no name of a cache's parts is assumed. Does not measure what an engine that keeps its own cache would need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from harness.engines.hf.model_errors import MODEL_ERRORS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Longer than a tiny model's windows (16), multiples of what its layers compress (4 and 16), below its 512 positions
SHORT, LONG = 192, 320


@dataclass(frozen=True, slots=True)
class Growth:
    """Elements that a token adds for ever, and those of a row that never change in number."""

    per_token: Fraction
    fixed: int


def measure_growth(model: PreTrainedModel) -> Growth | None:
    """Run a small model twice; None for one that returns no cache, or refuses a plain prompt."""
    try:
        short, long = (_cached(model, length) for length in (SHORT, LONG))
    except MODEL_ERRORS:
        return None
    if not short or not long:
        return None
    per_token = Fraction(long - short, LONG - SHORT)
    return Growth(per_token, int(short - per_token * SHORT))


def _cached(model: PreTrainedModel, length: int) -> int:
    import torch

    vocabulary = int(model.config.get_text_config().vocab_size)
    ids = torch.arange(length).remainder(max(1, vocabulary - 4)).add(min(4, vocabulary - 1))[None]
    with torch.inference_mode():
        out = model(input_ids=ids.clamp(max=vocabulary - 1), use_cache=True)
    cache = next((out[name] for name in ("past_key_values", "cache_params", "state", "mems") if out.get(name)), None)
    return sum(tensor.numel() for tensor in _tensors(cache, set()) if tensor.is_floating_point())


def _tensors(held: Any, seen: set[int]) -> Iterator[Any]:
    """Every tensor that can be reached, once."""
    import torch

    if id(held) in seen or isinstance(held, str | bytes | int | float | type | None):
        return
    seen.add(id(held))
    if isinstance(held, torch.Tensor):
        yield held
    elif isinstance(held, Mapping):
        for one in held.values():
            yield from _tensors(one, seen)
    elif isinstance(held, Sequence):
        for one in held:
            yield from _tensors(one, seen)
    else:
        yield from _tensors(getattr(held, "__dict__", None), seen)
