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

    refuse_unknown_device(name)
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
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


def refuse_unknown_device(name: str) -> None:
    """Raise ConfigError for a name that no device has; whether it is there is not looked at."""
    if re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        return
    # The nearest spelling of "gpu" is the CPU
    gpu = name.split(":")[0].casefold() in ("gpu", "nvidia")
    hint = "; did you mean 'cuda'?" if gpu else suggestion(name, ["auto", "cpu", "cuda", "mps"])
    several = "; several devices go with engine local" if "," in name else ""
    raise ConfigError(f"device: {name!r} is not auto, cpu, mps, cuda or cuda:N{hint}{several}")


def refuse_unknown_devices(names: str) -> None:
    """Raise ConfigError where one of several names is that of no device."""
    for name in _each(names):
        refuse_unknown_device(name)


def _each(names: str) -> list[str]:
    """`cuda:0` and `cuda:1` of `cuda:0,1`."""
    parts = [part.strip() for part in names.split(",")]
    kind = parts[0].partition(":")[0]
    return [f"{kind}:{part}" if number and part.isdecimal() else part for number, part in enumerate(parts)]


def choose_devices(names: str) -> list[str]:
    """Resolve one device or several with commas (`cuda:0,1`, `cpu,cpu`). Raises ConfigError."""
    parts = _each(names)
    if len(parts) == 1:
        return [choose_device(names)]
    kind = parts[0].partition(":")[0]
    found = [choose_device(part) for part in parts]
    if any(one.partition(":")[0] != kind for one in found) or kind not in ("cuda", "cpu"):
        raise ConfigError(f"device: {names!r} names several kinds of devices; name GPUs only, as in cuda:0,1")
    if kind == "cuda" and (len({*found}) < len(found) or "cuda" in found):
        raise ConfigError(f"device: {names!r}: give each GPU once, with its number, as in cuda:0,1")
    return found


def replica_devices(names: str, replicas: int | None) -> list[str]:
    """The device of each of so many replicas: a GPU each, or the CPU for all. Raises ConfigError."""
    devices = choose_devices(names)
    if replicas is None or replicas == len(devices):
        return devices
    if len(devices) > 1:
        raise ConfigError(f"replicas: {replicas} do not fit the {len(devices)} devices of {names!r}; leave one out")
    if devices[0] == "cpu":
        return ["cpu"] * replicas
    if devices[0] != "cuda":
        raise ConfigError(
            f"replicas: the device {devices[0]} takes one replica; leave the option out, or use cuda or cpu"
        )
    return choose_devices(",".join(f"cuda:{number}" for number in range(replicas)))


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
