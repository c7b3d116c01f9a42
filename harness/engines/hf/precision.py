"""In which precision a quantised model's weights are stored, in words, and how many bytes they really take.

Guarantees: two ways of storing that may give other answers have other words; where a package computes with unpacked
weights, as on a device without its kernels, the words say so. Does not load anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GROUP = ("weights", "input_activations")
BITS = ("bits", "w_bit", "nbits", "nbits_per_codebook", "weight_bits")
TORCHAO = {"Int8WeightOnlyConfig": "int8", "Int4WeightOnlyConfig": "int4", "Float8WeightOnlyConfig": "fp8"}


def words_of(method: str, settings: Mapping[str, Any], *, unpacked: bool = False) -> str:
    """How a checkpoint with this `quantization_config` is stored: "4 bit (bitsandbytes nf4)", "int8 (torchao)"."""
    words = f"{_numbers(method, settings)} ({_package(method, settings)})"
    return f"{words}, unpacked" if unpacked else words


def computed_in(stored: str | None, dtype: str) -> str:
    """The precision of a run in words: `dtype` alone for plain weights."""
    return dtype if stored is None else f"{stored} in {dtype}"


def is_packed(tensor: Any) -> bool:
    """Whether a tensor is of a package's own kind, made of other tensors."""
    return hasattr(tensor, "__tensor_flatten__")


def bytes_of(tensor: Any) -> int:
    """Bytes of a parameter, of a packed one as it is packed."""
    if is_packed(tensor):
        return sum(bytes_of(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    return int(tensor.numel() * tensor.element_size())


def _numbers(method: str, settings: Mapping[str, Any]) -> str:
    if method == "bitsandbytes":
        return "4 bit" if settings.get("load_in_4bit") else "int8"
    if method == "torchao":
        return _torchao(settings.get("quant_type"))
    if method == "compressed-tensors":
        return _compressed(settings)
    if "fp8" in method or "fp4" in method:
        return method.removeprefix("fbgemm_")
    bits = next((settings[key] for key in BITS if isinstance(settings.get(key), int | float)), None)
    weights = settings.get("weights")
    return str(weights) if isinstance(weights, str) else f"{bits} bit" if bits else "quantised"


def _package(method: str, settings: Mapping[str, Any]) -> str:
    if method == "bitsandbytes":
        return f"bitsandbytes {settings.get('bnb_4bit_quant_type', 'fp4')}" if settings.get("load_in_4bit") else method
    return "transformers" if method in ("fp8", "mxfp4", "mxfp8", "nvfp4") else method


def _torchao(kind: Any) -> str:
    """A name of old checkpoints (`int8_weight_only`), or a nested config with its class as `_type`."""
    if isinstance(kind, Mapping):
        inner = kind.get("default", kind)
        name = str(inner.get("_type", "quantised")) if isinstance(inner, Mapping) else str(inner)
        return TORCHAO.get(name, name.removesuffix("Config"))
    return str(kind or "quantised")


def _compressed(settings: Mapping[str, Any]) -> str:
    """The groups' weights, and activations where they are rounded too."""
    found = []
    groups = settings.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights, inputs = (group.get(key) if isinstance(group, Mapping) else None for key in GROUP)
        if isinstance(weights, Mapping):
            found.append(_kind(weights) + (f", activations {_kind(inputs)}" if isinstance(inputs, Mapping) else ""))
    return " and ".join(dict.fromkeys(found)) or str(settings.get("format") or "quantised")


def _kind(numbers: Mapping[str, Any]) -> str:
    kind = "fp" if numbers.get("type") == "float" else "int"
    return f"{kind}{numbers.get('num_bits', '')}"
