"""Which device and which precision a local model runs in, when the user names them or leaves it to us.

Guarantees: a device that was named is used or refused, never replaced. `auto` is cuda, then mps, then cpu;
its precision is bfloat16 on GPUs that compute in it, float16 on other GPUs, float32 on cpu.
"""

from __future__ import annotations

import re

from harness.errors import ConfigError, suggestion

DTYPES = {
    "float32": "float32",
    "fp32": "float32",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float16": "float16",
    "fp16": "float16",
}


ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def choose_device(name: str) -> str:
    """Resolve `auto`, `cpu`, `mps`, `cuda` or `cuda:N`. Raises ConfigError for one that is not there."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        hint = suggestion(name, ["auto", "cpu", "cuda", "mps"])
        several = "; several devices go with engine local" if "," in name else ""
        raise ConfigError(f"device: {name!r} is not auto, cpu, mps, cuda or cuda:N{hint}{several}")
    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            built = "is built without CUDA" if torch.version.cuda is None else "sees no GPU"
            raise ConfigError(f"device: {name} was requested, but this torch {built}; use `--device cpu` or auto")
        count = torch.cuda.device_count()
        if ":" in name and int(name.split(":")[1]) >= count:
            raise ConfigError(f"device: {name} was requested, but there are {count} GPUs (cuda:0 to cuda:{count - 1})")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device: mps was requested, but this machine has none; use `--device cpu` or auto")
    return name


def choose_devices(names: str) -> list[str]:
    """Resolve one device or several with commas (`cuda:0,1`, `cpu,cpu`). Raises ConfigError."""
    parts = [part.strip() for part in names.split(",")]
    if len(parts) == 1:
        return [choose_device(names)]
    kind = parts[0].partition(":")[0]
    found = [choose_device(f"{kind}:{part}" if part.isdecimal() else part) for part in parts]
    if any(one.partition(":")[0] != kind for one in found) or kind not in ("cuda", "cpu"):
        raise ConfigError(f"device: {names!r} names several kinds of devices; name GPUs only, as in cuda:0,1")
    if kind == "cuda" and (len({*found}) < len(found) or "cuda" in found):
        raise ConfigError(f"device: {names!r}: give each GPU once, with its number, as in cuda:0,1")
    return found


def choose_dtype(name: str, device: str) -> str:
    """Resolve `auto` or a name of `DTYPES` to torch's own name. Raises ConfigError."""
    import torch

    if name != "auto":
        if name not in DTYPES:
            known = ", ".join(["auto", *dict.fromkeys(DTYPES.values())])
            raise ConfigError(f"dtype: {name!r} is not one of {known}{suggestion(name, DTYPES)}")
        return DTYPES[name]
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "float16" if device == "mps" else "float32"
