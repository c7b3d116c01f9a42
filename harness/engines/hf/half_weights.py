"""Products of few rows with weights kept in 16 bits, which hold them exactly: most published weights have no more.

A product of few rows takes as long as its weights take to be read. In a float32 model of a bfloat16 or float16
checkpoint the low bits of each weight are zero: FBGEMM keeps them as float16, and multiplies and adds in float32.
float16 has a narrower range than bfloat16, so each row of a weight is scaled by a power of two, which changes no digit.
Guarantees: a layer is replaced only if no weight changes by more than 2**-39 of the largest of its row (float32 itself
keeps 2**-24), and if its products of a trial agree; sums may be added in another order; what is replaced is let go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.engines.hf.joined import Product

# Up to so many rows the product is bound by memory; beyond, it is as fast in 32 bits
FEW_ROWS = 32
# Packing takes as long as it saves in so many products of few rows. A run of choices has fewer,
# except of the output head, which multiplies a few rows in each batch
PATIENCE = 24
# The largest weight of a row is scaled to between 2**14 and 2**15, where float16 ends at 2**16
TOP_EXPONENT = 15
# A row with smaller weights only would be scaled so far that products of large inputs overflow
LEAST_EXPONENT = -60
# Half of float16's smallest step: what any weight of 11 significant bits or fewer may lose, far below the largest
LOST = 2.0**-25
ROWS_AT_ONCE = 128
# FBGEMM has a kernel for each number of rows up to 14
TRIAL_ROWS = (1, 4, 14, 20)
TOLERANCE = 1e-4


@dataclass(slots=True)
class Halving:
    """Of one model: whether products in 16 bits were faster in a trial, and whether they may move to them now.

    They may while it answers, not during its check: the first start then computes like those that remember it.
    """

    gains: bool = False
    active: bool = False


class HalvedOnUse:
    """A product with a weight [out, in] that moves to 16 bits once it is used for few rows again and again."""

    def __init__(
        self, product: Product, weight: Callable[[], torch.Tensor], bias: torch.Tensor | None, halving: Halving
    ) -> None:
        """`weight` makes a copy of what `product` multiplies by; both are let go when it has moved."""
        self._product = product
        self._weight: Callable[[], torch.Tensor] | None = weight
        self._bias = bias
        self._halving = halving
        self._uses = 0

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """The product of `rows` [..., in]: [..., out]."""
        if self._weight is not None and self._halving.active and 0 < rows.numel() <= FEW_ROWS * rows.shape[-1]:
            self._uses += 1
            if self._uses == PATIENCE:
                self._move()
        return self._product(rows)

    @torch.inference_mode()
    def _move(self) -> None:
        """Move, if the weight fits 16 bits and the products agree."""
        assert self._weight is not None
        weight = self._weight()
        self._weight = None
        trials = [torch.linspace(-1, 1, rows * weight.shape[1]).view(rows, -1) for rows in TRIAL_ROWS]
        right = [self._product(trial) for trial in trials]
        scales = scaled_to_fit(weight)
        if scales is None:
            return
        # What it held is let go before the weight is packed again: the largest one of a model is large. Whatever
        # fails from here on, this is the same product
        self._product = _in_float32(weight, scales, self._bias)
        half = scaled_product(weight, scales, self._bias)
        if half is not None and all(_agree(half(trial), wanted) for trial, wanted in zip(trials, right, strict=True)):
            self._product = half


@torch.inference_mode()
def scaled_to_fit(weight: torch.Tensor) -> torch.Tensor | None:
    """Scale each row of a float32 weight [out, in] in place so that float16 holds it; return the scales [out].

    None if float16 does not hold it.
    """
    largest = torch.maximum(weight.amax(1), -weight.amin(1))
    exponents = torch.frexp(largest).exponent
    if bool(((exponents < LEAST_EXPONENT) & (largest > 0)).any()):
        return None
    scales = torch.ldexp(torch.ones_like(largest), TOP_EXPONENT - exponents)
    weight.mul_(scales[:, None])
    return scales if all(_kept(part) for part in torch.split(weight, ROWS_AT_ONCE)) else None


@torch.inference_mode()
def scaled_product(weight: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None) -> Product | None:
    """The product by `weight` without its scales, kept in float16; None where torch has no such product."""
    try:
        packed = torch.ops.quantized.linear_prepack_fp16(weight, None if bias is None else bias * scales)
        multiply = torch.ops.quantized.linear_dynamic_fp16
        multiply(torch.ones(1, weight.shape[1]), packed)
    except (RuntimeError, AttributeError, TypeError):
        return None
    back = 1 / scales

    def product(rows: torch.Tensor) -> torch.Tensor:
        if rows.dim() == 1:
            return product(rows[None])[0]
        return multiply(rows, packed).mul_(back)  # type: ignore[no-any-return]

    return product


@torch.inference_mode()
def _in_float32(weight: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None) -> Product:
    scaled_bias, back = None if bias is None else bias * scales, 1 / scales

    def product(rows: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(rows, weight, scaled_bias) * back

    return product


def half_product(weight: torch.Tensor, bias: torch.Tensor | None) -> Product | None:
    """The product by a float32 weight [out, in], which is changed, kept in float16; None if there is none."""
    scales = scaled_to_fit(weight)
    return None if scales is None else scaled_product(weight, scales, bias)


def _kept(scaled: torch.Tensor) -> bool:
    """Whether float16 holds these numbers."""
    return bool((scaled.half().float() - scaled).abs().amax() <= LOST)


def _agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().amax() <= TOLERANCE * other.abs().amax())
