"""Rounds a model's weights when they are loaded (`--quantize`), for models that do not fit in full precision.

int8 by torchao: one scale a row of the weight, on every device. int4 by optimum-quanto, which packs two numbers into a
byte on every device (torchao's own int4 needs a GPU). Both round weights alone; activations, the embedding and the
head stay as they are. Guarantees: a model that is already rounded is refused, and so is a missing package, before
anything is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.engines.hf.installed import installed
from harness.errors import ConfigError

# Of each kind: the package that is imported, its name on PyPI, and its name in the words of a precision
PACKAGES = {"int8": ("torchao", "torchao", "torchao"), "int4": ("optimum.quanto", "optimum-quanto", "quanto")}
# Bytes of a rounded number with its share of the scales: a row has one for int8, 128 numbers have two for int4
BYTES = {"int8": 1.01, "int4": 0.5 + 8 / 128}


def words_of_kind(kind: str) -> str:
    """The precision in words: "int8 (torchao)"."""
    return f"{kind} ({PACKAGES[kind][2]})"


def require_packages(kind: str) -> None:
    """Raise ConfigError for an unknown kind, and where a package is not installed."""
    if kind not in PACKAGES:
        raise ConfigError(f"quantize: {kind!r} is not one of {', '.join(PACKAGES)}")
    module, package, _ = PACKAGES[kind]
    for name, shown in ((module, package), ("accelerate", "accelerate")):
        if not installed(name):
            raise ConfigError(
                f"quantize: {kind} needs the package {shown}, which is not installed: pip install 'harness[quantized]'"
            )


def config_of(kind: str) -> Any:
    """Settings of transformers that round the weights as they are read."""
    if kind == "int4":
        from transformers import QuantoConfig

        return QuantoConfig(weights="int4")
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import TorchAoConfig

    return TorchAoConfig(Int8WeightOnlyConfig())


def outside_inference_mode(model: Any) -> None:
    """Let layers of quanto run where torch records no versions of tensors: there their views raise RuntimeError."""
    import torch

    for module in model.modules():
        if type(module).__module__.startswith("optimum.quanto."):
            module.forward = _recording(module.forward, torch)


def _recording(forward: Callable[..., Any], torch: Any) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with torch.inference_mode(False), torch.no_grad():
            return forward(*args, **kwargs)

    return run


@dataclass(frozen=True, slots=True)
class Roundable:
    """How many numbers a model has, and how many of them are rounded: those of linear layers but the head."""

    rounded: int
    whole: int

    def bytes_in(self, kind: str, item_bytes: int) -> int:
        """An estimate of the bytes of the weights, where a number that is not rounded has `item_bytes`."""
        return int(self.rounded * BYTES[kind] + (self.whole - self.rounded) * item_bytes)


def roundable(config: Any, *, trust_remote_code: bool) -> Roundable:
    """Count what `--quantize` would round. Raises EngineError for a class that cannot be built without weights."""
    import torch

    from harness.engines.hf.meta_model import on_meta

    model = on_meta(config, trust_remote_code=trust_remote_code)
    head = model.get_output_embeddings()
    rounded = sum(
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    )
    return Roundable(rounded, sum(parameter.numel() for parameter in model.parameters()))
