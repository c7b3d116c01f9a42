"""Linear layers with weights laid out for this processor: oneDNN's own order, which small batches gain from.

torch has this only behind operators of its compiler (`torch.ops.mkldnn`), which may change: every use is guarded, a
layer whose packed result differs is left alone, and the whole is done only where a trial shows it to be faster. Layers
whose weights fit 16 bits move on to those once the model generates (`half_weights`).
Guarantees: the same products up to float32 rounding; weights that are used nowhere else are not kept twice.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from transformers.pytorch_utils import Conv1D

from harness.engines.hf.half_weights import HalvedOnUse, Halving, half_product
from harness.engines.hf.joined import JoinedProduct, Product, groups_of, joined_weight
from harness.engines.hf.weights_read import layers_read

# Rows of the trial, and what the weights are laid out for: a batch of rows that generate
TRIAL_ROWS = 32
TRIAL_ROUNDS = 5
# Rows of the trial of joined layers, where the call counts more
JOINED_ROWS = 8
# Rows of the trial of weights in 16 bits, and how much longer than now they may take. Few rows, which wait for memory,
# take a third of the time where it works; many rows take nine tenths, of which a busy machine may make more
HALVED_ROWS = {2: 0.8, 32: 1.25}
# Of the largest layer so many are multiplied, more than caches hold: what is gained is time to read them
HALVED_WEIGHTS = 2**24
# Smaller layers cost more in the call than in the product
LEAST_WEIGHTS = 64 * 64
TOLERANCE = 1e-3
# The trial's name for: every product agreed with the layer's own
AGREED = "all agreed"


@dataclass(slots=True)
class _Comparison:
    """Whether products are to be compared with the layers' own, and whether all that were packed agreed."""

    needed: bool = True
    agreed: bool = True


class _Packed(NamedTuple):
    """A product, and the weight [out, in] in oneDNN's order that it multiplies by."""

    product: Product
    weight: torch.Tensor
    bias: torch.Tensor | None


def pack_linears(
    model: torch.nn.Module, device: str, trials: dict[str, bool] | None = None, halving: Halving | None = None
) -> int:
    """Replace the products of a float32 model's linear layers on a CPU; return how many layers are packed.

    `trials` are outcomes of earlier trials of the same model on this machine, which are not repeated, nor is the
    comparison of every product if all agreed then; the others' are added. While `halving` is active, weights that fit
    16 bits move to them, if a trial finds that faster.
    """
    trials = {} if trials is None else trials
    # An adapter that is not merged may compute with its layers' own weights
    if device != "cpu" or not _has_onednn() or getattr(model, "peft_config", None):
        return 0
    read = layers_read(model)
    layers: list[Any] = [module for module in model.modules() if _eligible(module) and id(module) not in read]
    if not layers:
        return 0
    largest = max(layers, key=lambda layer: layer.weight.numel())
    if "packed" not in trials:
        trials["packed"] = _faster(largest)
    if not trials["packed"]:
        return 0
    if "halved" not in trials:
        trials["halved"] = _halving_gains(largest)
    shared = _shared_weights(model)
    own = {id(layer) for layer in layers if layer.weight.data_ptr() not in shared}
    halving = halving or Halving()
    halving.gains = trials["halved"]
    comparison = _Comparison(needed=not trials.get(AGREED, False))
    joined: set[int] = set()
    for group in groups_of(model, lambda layer: id(layer) in own):
        if joined.isdisjoint(map(id, group)) and _join(group, trials, halving, comparison):
            joined |= set(map(id, group))
    rest = [layer for layer in layers if id(layer) not in joined]
    packed = len(joined) + sum(_pack(layer, halving, comparison, keep=id(layer) not in own) for layer in rest)
    trials[AGREED] = comparison.agreed
    return packed


def _has_onednn() -> bool:
    return bool(torch.backends.mkldnn.is_available()) and hasattr(torch.ops, "mkldnn")  # type: ignore[no-untyped-call]


def _eligible(module: torch.nn.Module) -> bool:
    # Subclasses may compute something else with their weight
    plain = type(module) in (torch.nn.Linear, Conv1D)
    weight = getattr(module, "weight", None)
    hooked = bool(module._forward_hooks or module._forward_pre_hooks)
    return (
        plain
        # Packages for quantised weights put tensors of their own kinds into plain layers
        and type(weight) is torch.nn.Parameter
        and weight.dtype == torch.float32
        and weight.numel() >= LEAST_WEIGHTS
        and not hooked
    )


def _rows_out(layer: Any) -> torch.Tensor:
    """The weight as [out, in]; Conv1D keeps it the other way round."""
    weight: torch.Tensor = layer.weight.detach()
    return weight.t().contiguous() if isinstance(layer, Conv1D) else weight.contiguous()


@torch.inference_mode()
def _packed(weight: torch.Tensor, bias: torch.Tensor | None, comparison: _Comparison | None = None) -> _Packed | None:
    """The product by the packed weight [out, in]; None where torch will not or, compared, computes something else."""
    comparison = comparison or _Comparison()
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, TRIAL_ROWS)
        multiply = torch.ops.mkldnn._linear_pointwise

        def product(rows: torch.Tensor) -> torch.Tensor:
            return multiply(rows, packed, bias, "none", [], "")  # type: ignore[no-any-return]

        if not comparison.needed:
            return _Packed(product, packed, bias)
        trial = torch.linspace(-1, 1, 3 * weight.shape[1]).view(1, 3, -1)
        right = torch.nn.functional.linear(trial, weight, bias)
        off = (product(trial) - right).abs().max() / right.abs().max().clamp(min=1e-9)
    except (RuntimeError, AttributeError, TypeError):
        comparison.agreed = False
        return None
    if float(off) < TOLERANCE:
        return _Packed(product, packed, bias)
    comparison.agreed = False
    return None


def _in_use(packed: _Packed, halving: Halving) -> Product:
    if not halving.gains:
        return packed.product
    return HalvedOnUse(packed.product, packed.weight.to_dense, packed.bias, halving)


def _pack(layer: Any, halving: Halving, comparison: _Comparison, *, keep: bool) -> bool:
    packed = _packed(_rows_out(layer), layer.bias, comparison)
    if packed is None:
        return False
    layer.forward = _in_use(packed, halving)
    if not keep:
        _drop_weight(layer)
    return True


def _join(layers: Sequence[Any], trials: dict[str, bool], halving: Halving, comparison: _Comparison) -> bool:
    """Give layers of one input one product, if that is faster for layers of these shapes."""
    weight, bias = joined_weight(layers)
    packed = _packed(weight, bias, comparison)
    sizes = [int(layer.weight.shape[0]) for layer in layers]
    if packed is None:
        return False
    trial = f"joined {weight.shape[1]} {' '.join(map(str, sizes))}"
    if trial not in trials:
        trials[trial] = _joining_gains(layers, packed.product)
    if not trials[trial]:
        return False
    group = JoinedProduct(_in_use(packed, halving), sizes)
    for index, layer in enumerate(layers):
        layer.forward = group.part(index)
        _drop_weight(layer)
    return True


@torch.inference_mode()
def _joining_gains(layers: Sequence[Any], product: Product) -> bool:
    parts = [part.product for layer in layers if (part := _packed(_rows_out(layer), layer.bias))]
    rows = torch.ones(1, JOINED_ROWS, layers[0].weight.shape[1])
    apart = _seconds(lambda: [part(rows) for part in parts])
    return len(parts) == len(layers) and _seconds(lambda: product(rows)) < apart


@torch.inference_mode()
def _halving_gains(layer: Any) -> bool:
    weight = _rows_out(layer)
    weight = weight[: max(1, HALVED_WEIGHTS // weight.shape[1])].contiguous()
    bias = None if layer.bias is None else layer.bias[: len(weight)]
    packed, half = _packed(weight, bias), half_product(weight.clone(), bias)
    if packed is None or half is None:
        return False

    def gains(rows: torch.Tensor, longer: float) -> bool:
        times = [
            (_seconds(lambda: half(rows), 1), _seconds(lambda: packed.product(rows), 1)) for _ in range(TRIAL_ROUNDS)
        ]
        return min(halved for halved, _ in times) < longer * min(now for _, now in times)

    return all(gains(torch.ones(rows, weight.shape[1]), longer) for rows, longer in HALVED_ROWS.items())


def _drop_weight(layer: Any) -> None:
    """Keep shape and precision readable; the numbers are in the packed weight now."""
    weight = layer.weight.detach()
    layer.weight = torch.nn.Parameter(weight.to("meta"), requires_grad=False)
    _forget(weight)


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
    weight = _rows_out(layer)
    packed = _packed(weight, layer.bias)
    if packed is None:
        return False
    rows = torch.ones(TRIAL_ROWS, weight.shape[1])
    plain = _seconds(lambda: torch.nn.functional.linear(rows, weight, layer.bias))
    return _seconds(lambda: packed.product(rows)) < plain


def _seconds(work: Callable[[], object], rounds: int = TRIAL_ROUNDS) -> float:
    """The quickest of a few rounds."""
    found = []
    for _ in range(rounds):
        # Of the processor: on a busy machine the clock counts others' work too
        started = time.thread_time()
        work()
        found.append(time.thread_time() - started)
    return min(found)
