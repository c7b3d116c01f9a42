"""The local engine: any causal language model of transformers, in the fastest mode that changes no token.

Shared prefixes are computed once, sequences leave and enter the batch as they finish, and logits are computed only
where they are needed. Before it answers, the engine compares the fast mode with plain `generate` on a few prompts, and
uses a slower one where they differ; `facts().generation["level"]` says which. Start at `engine`, then `packed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.config.checking import check_values
from harness.engines.base import Inspected, ModelSpec

if TYPE_CHECKING:
    from harness.engines.local.engine import LocalEngine


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    from harness.engines.local.engine import LocalOptions

    return frozenset(LocalOptions.model_fields)


def inspect_model(spec: ModelSpec, *, weights: bool) -> Inspected:
    """Find the mode on the weights, or on a tiny model of the same class. Raises as `build` does."""
    from harness.engines.local.inspection import inspect_model

    return inspect_model(build(spec, {}), weights=weights)


def inspect_tiny(model: Any, tokenizer: Any) -> Inspected:
    """Find the mode of a tiny model that is in memory."""
    from harness.engines.local.inspection import inspect_tiny

    return inspect_tiny(model, tokenizer)


def build(spec: ModelSpec, options: Mapping[str, Any]) -> LocalEngine:
    """Open config and tokenizer; no weights. Several devices (`cuda:0,1`) get one replica of the model each.

    Raises ConfigError, HubError or EngineError with one line.
    """
    from harness.engines.hf.checkpoint_engine import opened
    from harness.engines.hf.device import choose_devices
    from harness.engines.local.engine import LocalEngine, LocalOptions

    chosen = check_values(LocalOptions, options, "engine local")
    devices = choose_devices(spec.device)
    if len(devices) == 1:
        return LocalEngine(opened(spec), chosen)
    from harness.engines.local.replicas import ReplicatedEngine

    return ReplicatedEngine(spec, chosen, devices)
