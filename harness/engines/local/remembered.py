"""What the self-check of a model found, remembered on this machine for the next start.

A file of its own for each state: of class, config, tokenizer, weights, precision, device, options, threads, packages,
processor, the engine's own code and the model's as it is in this process. Where one of them is another, the file is
another, and the check runs. Guarantees: an outcome is remembered only of weights whose digest is known, and of code
that transformers brings; a file that is missing, damaged or of another form means that the check runs again; a folder
that cannot be written costs the time again and is no error; of several processes that need the same outcome one checks,
and the others wait for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from harness.engines.base import EngineFacts
from harness.engines.local.forward_code import forward_digest
from harness.engines.local.modes import ModeName
from harness.store.manifest import machine, package_versions

if TYPE_CHECKING:
    from harness.engines.hf.hf_model import HFModel

SCHEMA = 1
# Packages beside those of the manifest that replace parts of a model's computation where they are installed
KERNELS = ("accelerate", "bitsandbytes", "compressed-tensors", "flash-attn", "kernels", "peft", "torchao", "triton")
# Environment variables with which users and clusters change how numbers are computed
ENVIRONMENT = (
    *("ATEN_", "CUBLAS_", "DNNL_", "GOMP_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "ONEDNN_", "PYTORCH_", "TORCH_"),
    # and which kernels of theirs transformers takes
    *("FLASH_ATTENTION_", "TRANSFORMERS_DISABLE_", "TRANSFORMERS_SDPA_", "USE_HUB_KERNELS", "USE_TORCH_XLA"),
)
# Of each tensor, so many numbers tell whether it was changed after it was read (merged, rounded, trained)
NUMBERS_OF_A_TENSOR = 8
# How long a process waits for another one's check
WAIT_SECONDS = 300.0
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The execution mode that passed, why faster ones did not, and which way of computing layers was the faster one.

    `checked_at`: seconds since the epoch. `trials` are those of `pack_linears`, by name; `packed` its result.
    """

    mode: ModeName
    notes: tuple[str, ...]
    trials: Mapping[str, bool]
    packed: int
    checked_at: float


def outcome_key(model: HFModel, facts: EngineFacts, settings: Mapping[str, Any]) -> str | None:
    """What an outcome is filed under; None if this model's is not to be remembered.

    `settings`: what else the check depends on (options of the engine). To be called before layers are packed.
    """
    weights = {name: digest for name, digest in facts.digests.items() if name.startswith("weights")}
    code = _code_digest()
    inner = model.model
    if not weights or code is None or not type(inner).__module__.startswith("transformers.models."):
        return None
    forward = forward_digest(inner)
    if forward is None:
        return None
    state = {
        "schema": SCHEMA,
        "class": f"{type(inner).__module__}.{type(inner).__qualname__}",
        "attention": str(getattr(inner.config, "_attn_implementation", None)),
        "digests": dict(facts.digests),
        "numbers": _numbers_digest(inner),
        "end_ids": list(model.end_ids),
        "dtype": model.dtype,
        "device": model.device,
        "settings": dict(settings),
        "packages": package_versions() | _versions(KERNELS),
        "code": code,
        "forward": forward,
        "machine": machine() | _torch_state(model.device),
        "environment": {name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT)},
    }
    return hashlib.sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()


def read_outcome(key: str) -> CheckOutcome | None:
    """The outcome filed under a key; None if there is none that can be used."""
    try:
        found = json.loads(_file(key).read_text(encoding="utf-8"))
        outcome = CheckOutcome(**{**found, "notes": tuple(found["notes"])})
    except (OSError, RuntimeError, ValueError, TypeError, KeyError):
        return None
    plain = (
        outcome.mode in get_args(ModeName)
        and all(isinstance(note, str) for note in outcome.notes)
        and isinstance(outcome.trials, dict)
        and all(isinstance(value, bool) for value in outcome.trials.values())
        and type(outcome.packed) is int
        and isinstance(outcome.checked_at, float)
    )
    return outcome if plain else None


def write_outcome(key: str, outcome: CheckOutcome) -> None:
    """File an outcome, whole or not at all."""
    try:
        file = _file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, encoding="utf-8", delete=False) as handle:
            json.dump(asdict(outcome), handle)
        Path(handle.name).replace(file)
    except (OSError, RuntimeError):
        pass  # a home that cannot be written costs the time again


@contextmanager
def one_at_a_time(key: str) -> Iterator[None]:
    """Wait while another process of this machine checks the same, but not for ever."""
    try:
        import fcntl

        file = _file(key).with_suffix(".lock")
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("a")
    except (ImportError, OSError, RuntimeError):
        yield
        return
    with handle:
        until = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
            except OSError:
                break  # a file system without locks: two may check the same
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _file(key: str) -> Path:
    own = os.environ.get("HARNESS_CACHE")
    folder = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"
    return folder / "self_checks" / f"{key}.json"


def _code_digest() -> str | None:
    """sha256 over the sources of our engines; None where they cannot be read."""
    files = sorted(Path(__file__).parent.parent.rglob("*.py"))
    digest = hashlib.sha256()
    try:
        for file in files:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    except OSError:
        return None
    return digest.hexdigest() if files else None


def _numbers_digest(inner: Any) -> str:
    """sha256 over names, shapes, types and a few numbers of all tensors, as they are in memory."""
    digest = hashlib.sha256()
    for name, tensor in (*inner.named_parameters(), *inner.named_buffers()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype} {tensor.device.type};".encode())
        if tensor.is_meta or not tensor.numel():
            continue
        flat = tensor.detach().reshape(-1) if tensor.is_contiguous() else tensor.detach().contiguous().reshape(-1)
        few = flat[:: max(1, flat.numel() // NUMBERS_OF_A_TENSOR)]
        digest.update(str(few.tolist()).encode())
    return digest.hexdigest()


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _torch_state(device: str) -> dict[str, Any]:
    import torch

    state = {
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "matmul": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }
    if device.startswith("cuda"):
        state["gpu"] = torch.cuda.get_device_name(device)
        state["capability"] = torch.cuda.get_device_capability(device)
        state["cuda"] = torch.version.cuda
    return state
