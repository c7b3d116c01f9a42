"""The local engine: any causal language model of transformers, in the fastest mode that changes no token.

Shared prefixes are computed once, sequences leave and enter the batch as they finish, and logits are computed only
where they are needed. Before it answers, the engine compares the fast mode with plain `generate` on a few prompts, and
uses a slower one where they differ; `facts().generation["level"]` says which. Start at `engine`, then `packed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.config.checking import check_values
from harness.engines.base import Inspected, ModelSpec
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.engines.hf.checkpoint_engine import Opened
    from harness.engines.local.engine import LocalEngine, LocalOptions


def option_names() -> frozenset[str]:
    """Keys of `engine` in a config."""
    from harness.engines.local.engine import LocalOptions

    return frozenset(LocalOptions.model_fields)


def check_options(spec: ModelSpec, options: Mapping[str, Any]) -> LocalOptions:
    """Check what needs no file of a hub and no torch. Raises ConfigError, MissingPackage or ModelError."""
    from harness.engines.hf.device import refuse_unknown_devices
    from harness.engines.hf.sources import refuse_settings
    from harness.engines.local.engine import LocalOptions

    chosen = check_values(LocalOptions, options, "engine local")
    if chosen.ray is not None:
        from harness.engines.replicas.ray_engine import refuse_placement
        from harness.ray_cluster import require_ray

        refuse_placement(spec.device, chosen.gpus_per_replica)
        require_ray()
    elif chosen.gpus_per_replica is not None or chosen.cpus_per_replica is not None:
        raise ConfigError("gpus_per_replica and cpus_per_replica go with --ray; without it name the devices (--device)")
    refuse_unknown_devices(spec.device)
    refuse_settings(spec)
    return chosen


def inspect_model(spec: ModelSpec, *, weights: bool) -> Inspected:
    """Find the mode on the weights, or on a tiny model of the same class. Raises as `build` does."""
    from harness.engines.local.inspection import inspect_model

    return inspect_model(build(spec, {}), weights=weights)


def inspect_tiny(model: Any, tokenizer: Any) -> Inspected:
    """Find the mode of a tiny model that is in memory."""
    from harness.engines.local.inspection import inspect_tiny

    return inspect_tiny(model, tokenizer)


def build_live(opened: Opened, options: Mapping[str, Any]) -> LocalEngine:
    """An engine for a model that is in memory. Raises ConfigError or EngineError with one line."""
    from harness.engines.local.engine import LocalEngine, LocalOptions

    chosen = check_values(LocalOptions, options, "engine local")
    # A model in memory is one copy, in this process
    for name in ("ray", "replicas", "gpus_per_replica", "cpus_per_replica"):
        if getattr(chosen, name) is not None:
            raise ConfigError(f"{name} cannot be set for a model in memory: it runs where and as it is; leave it out")
    return LocalEngine(opened, chosen)


def build(spec: ModelSpec, options: Mapping[str, Any]) -> LocalEngine:
    """Open config and tokenizer; no weights.

    Several devices (`cuda:0,1`) get one replica of the model each, or one device as many as the option `replicas` says.
    Raises ConfigError, HubError or EngineError with one line.
    """
    from harness.engines.hf.checkpoint_engine import opened
    from harness.engines.hf.device import replica_devices
    from harness.engines.local.engine import LocalEngine

    chosen = check_options(spec, options)
    if chosen.ray is not None:
        from harness.engines.replicas.ray_engine import RayEngine

        return RayEngine(spec, chosen)
    devices = replica_devices(spec.device, chosen.replicas)
    if len(devices) == 1:
        # "auto" stays: a model that is too large for one device may be spread over several
        return LocalEngine(opened(spec if spec.device == "auto" else replace(spec, device=devices[0])), chosen)
    from harness.engines.replicas.engine import ReplicatedEngine
    from harness.engines.replicas.processes import Processes

    return ReplicatedEngine(spec, chosen, devices, partial(Processes, spec, chosen, devices))
