"""What models call the cache that they are given; transformers has renamed it, and models with states have another."""

from __future__ import annotations

import inspect

from transformers import PreTrainedModel

ATTENTION_CACHES = ("past_key_values", "cache")
STATE_CACHES = ("cache_params",)


def cache_name(model: PreTrainedModel) -> str:
    """The argument of the model's forward; empty for a model that takes no cache of transformers' kind."""
    parameters = inspect.signature(model.forward).parameters
    return next((name for name in (*ATTENTION_CACHES, *STATE_CACHES) if name in parameters), "")
