"""The local engine on a Ray cluster: prompts become token jobs here, and replicas on the nodes answer them.

Config and tokenizer are read here, so the model's folder must be on this machine as well as on the nodes (a shared file
system), or be a hub id: nodes get the commit that was found here. Replies are those of one machine.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.engines.base import ModelSpec
from harness.engines.hf.checkpoint import open_checkpoint
from harness.engines.hf.checkpoint_engine import Opened
from harness.engines.hf.device import DTYPES, choose_dtype
from harness.engines.local.engine import LocalOptions
from harness.engines.replicas.contract import Pool
from harness.engines.replicas.engine import ReplicatedEngine
from harness.engines.replicas.ray_pool import RayPool, RayWishes
from harness.errors import ConfigError

# Options that are the driver's own
OF_DRIVER = ("ray", "replicas", "gpus_per_replica", "cpus_per_replica", "ray_restarts", "ray_start_seconds")


class RayEngine(ReplicatedEngine):
    """One model, replicas on the nodes of a cluster."""

    def __init__(self, spec: ModelSpec, options: LocalOptions) -> None:
        """Open config and tokenizer. Raises ConfigError, HubError or EngineError with one line."""
        assert options.ray is not None
        device, gpus = placed(spec.device, options.gpus_per_replica)
        checkpoint = open_checkpoint(
            spec.path, spec.revision, spec.trust_remote_code, adapter=spec.adapter, quantize=spec.quantize
        )
        dtype = dtype_on(device, spec.dtype)
        first = Opened(replace(spec, device=device), checkpoint, dtype)
        super().__init__(spec, options, (device,) * (options.replicas or 1), self._pool, first)
        self._wishes = RayWishes(
            options.ray,
            options.replicas or 1,
            gpus,
            options.cpus_per_replica,
            options.ray_restarts,
            options.ray_start_seconds,
        )
        # An adapter that is given alone is what `path` and `revision` name; the files themselves are its base's
        files = checkpoint.files
        if files.adapter is not None and spec.adapter is None:
            files = files.adapter
        # The precision by its name: nodes might resolve `auto` in different ways
        self._of_nodes = replace(
            spec,
            path=spec.path if files.repo else str(Path(spec.path).expanduser().resolve()),
            adapter=_absolute(spec.adapter),
            revision=files.revision,
            device=device,
            dtype=dtype,
        )

    def cluster(self) -> str:
        """Return the cluster's address."""
        return self._wishes.address

    def _pool(self) -> Pool:
        options = self.options.model_dump(exclude={*OF_DRIVER})
        return RayPool(self._of_nodes, options, self._wishes, self.facts().digests, self._heard)

    def _heard(self, line: str, lasting: bool) -> None:
        self._noted(line, lasting=lasting)


def _absolute(adapter: str | None) -> str | None:
    """An adapter's folder as nodes with the same file system find it; a hub id as it is."""
    if adapter is None or not Path(adapter).expanduser().is_dir():
        return adapter
    return str(Path(adapter).expanduser().resolve())


def placed(device: str, gpus: float | None) -> tuple[str, float]:
    """The kind of device that replicas run on, and how many GPUs each takes. Raises ConfigError."""
    refuse_placement(device, gpus)
    if device == "cpu":
        return "cpu", 0.0
    if gpus is None:
        import torch

        gpus = 1.0 if device == "cuda" or torch.cuda.is_available() else 0.0
    return ("cuda", gpus) if gpus else ("cpu", 0.0)


def refuse_placement(device: str, gpus: float | None) -> None:
    """Raise ConfigError for a device and a number of GPUs that do not go together, or not with Ray."""
    if device not in ("auto", "cpu", "cuda"):
        raise ConfigError(f"device: {device!r} does not go with --ray, which chooses the devices; give cpu or cuda")
    if gpus is not None and gpus > 1:
        raise ConfigError(f"--gpus-per-replica {gpus:g}: a replica runs on one GPU, or a part of one (0.5)")
    if device == "cpu" and gpus:
        raise ConfigError("--gpus-per-replica does not go with --device cpu; leave one of the two out")
    if device == "cuda" and gpus == 0:
        raise ConfigError("--gpus-per-replica 0 does not go with --device cuda; leave one of the two out")


def dtype_on(device: str, dtype: str) -> str:
    """The precision on the nodes; `auto` is bfloat16 on GPUs that are not here. Raises ConfigError."""
    if device == "cuda" and dtype == "auto":
        import torch

        return choose_dtype(dtype, device) if torch.cuda.is_available() else DTYPES["bf16"]
    return choose_dtype(dtype, device)
