"""Linear layers with weights laid out for this processor: oneDNN's own order, which small batches gain from.

torch has this only behind operators of its compiler (`torch.ops.mkldnn`), which may change: every use is guarded, a
layer whose packed result differs is left alone, and the whole is done only where a trial shows it to be faster.
Guarantees: the same products up to float32 rounding; weights that are used nowhere else are not kept twice.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers.pytorch_utils import Conv1D

# Rows of the trial, and what the weights are laid out for: a batch of rows that generate
TRIAL_ROWS = 32
TRIAL_ROUNDS = 5
# Smaller layers cost more in the call than in the product
LEAST_WEIGHTS = 64 * 64
TOLERANCE = 1e-3


def pack_linears(model: torch.nn.Module, device: str) -> int:
    """Replace the products of a float32 model's linear layers on a CPU; return how many layers are packed."""
    if device != "cpu" or not _has_onednn():
        return 0
    layers: list[Any] = [module for module in model.modules() if _eligible(module)]
    if not layers or not _faster(max(layers, key=lambda layer: layer.weight.numel())):
        return 0
    shared = _shared_weights(model)
    return sum(_pack(layer, keep=layer.weight.data_ptr() in shared) for layer in layers)


def _has_onednn() -> bool:
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops, "mkldnn")  # type: ignore[no-untyped-call]


def _eligible(module: torch.nn.Module) -> bool:
    # Subclasses may compute something else with their weight
    plain = type(module) in (torch.nn.Linear, Conv1D)
    weight = getattr(module, "weight", None)
    hooked = bool(module._forward_hooks or module._forward_pre_hooks)
    return (
        plain
        and weight is not None
        and weight.dtype == torch.float32
        and weight.numel() >= LEAST_WEIGHTS
        and not hooked
    )


def _rows_out(layer: Any) -> torch.Tensor:
    """The weight as [out, in]; Conv1D keeps it the other way round."""
    weight: torch.Tensor = layer.weight.detach()
    return weight.t().contiguous() if isinstance(layer, Conv1D) else weight.contiguous()


@torch.inference_mode()
def _packed(layer: Any) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """The layer's product by its packed weight; None where torch will not or computes something else."""
    weight, bias = _rows_out(layer), layer.bias
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, TRIAL_ROWS)
        multiply = torch.ops.mkldnn._linear_pointwise

        def product(rows: torch.Tensor) -> torch.Tensor:
            return multiply(rows, packed, bias, "none", [], "")  # type: ignore[no-any-return]

        trial = torch.linspace(-1, 1, 3 * weight.shape[1]).view(1, 3, -1)
        right = torch.nn.functional.linear(trial, weight, bias)
        off = (product(trial) - right).abs().max() / right.abs().max().clamp(min=1e-9)
    except (RuntimeError, AttributeError, TypeError):
        return None
    return product if float(off) < TOLERANCE else None


def _pack(layer: Any, *, keep: bool) -> bool:
    product = _packed(layer)
    if product is None:
        return False
    layer.forward = product
    if not keep:
        # Shape and precision stay readable; the numbers are in the packed weight now
        weight = layer.weight.detach()
        layer.weight = torch.nn.Parameter(weight.to("meta"), requires_grad=False)
        _forget(weight)
    return True


def _forget(weight: torch.Tensor) -> None:
    """Let the system take back the memory of a weight that is never read again.

    Weights are read out of one mapped file, which stays in memory as long as any of them is held.
    """
    if sys.platform != "linux" or not weight.is_contiguous():
        return
    page = mmap.PAGESIZE
    first = -(-weight.data_ptr() // page) * page
    last = (weight.data_ptr() + weight.numel() * weight.element_size()) // page * page
    if last > first:
        ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)


def _shared_weights(model: torch.nn.Module) -> set[int]:
    """Weights that several modules hold, as a head and an embedding may."""
    seen: set[int] = set()
    shared: set[int] = set()
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None:
                (shared if parameter.data_ptr() in seen else seen).add(parameter.data_ptr())
    return shared


@torch.inference_mode()
def _faster(layer: Any) -> bool:
    product = _packed(layer)
    if product is None:
        return False
    weight = _rows_out(layer)
    rows = torch.ones(TRIAL_ROWS, weight.shape[1])
    plain = _seconds(lambda: torch.nn.functional.linear(rows, weight, layer.bias))
    return _seconds(lambda: product(rows)) < plain


def _seconds(work: Callable[[], object]) -> float:
    """The quickest of a few rounds."""
    found = []
    for _ in range(TRIAL_ROUNDS):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
