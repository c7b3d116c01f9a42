"""Products of few rows with weights kept in 16 bits, which lose nothing: most published weights have 16 bits or fewer.

A product of few rows takes as long as its weights take to be read. In a float32 model of a bfloat16 or float16
checkpoint the low bits of each weight are zero: FBGEMM keeps them as float16, and multiplies and adds in float32.
float16 has a narrower range than bfloat16, so each row of a weight is scaled by a power of two, which changes no digit.
Guarantees: a layer is replaced only if no weight changes by more than 2**-39 of the largest of its row (float32 itself
keeps 2**-24), and if its product of the same rows agrees; what is replaced is not kept twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from harness.engines.hf.joined import Product

# Up to so many rows the product is bound by memory; beyond, it is as fast in 32 bits
FEW_ROWS = 32
# Packing takes as long as it saves in so many products of few rows: a run of choices alone has fewer, and never packs
PATIENCE = 24
# The largest weight of a row is scaled to between 2**14 and 2**15, where float16 ends at 2**16
TOP_EXPONENT = 15
LEAST_EXPONENT = -100
# Half of float16's smallest step: what any weight of 11 significant bits or fewer may lose, far below the largest
LOST = 2.0**-25
ROWS_AT_ONCE = 128
TOLERANCE = 1e-4


class HalvedOnUse:
    """A product with a weight [out, in] that moves to 16 bits once it is used for few rows again and again."""

    def __init__(self, product: Product, weight: Callable[[], torch.Tensor], bias: torch.Tensor | None) -> None:
        """`weight` makes a copy of what `product` multiplies by; both are let go when it has moved."""
        self._product = product
        self._weight: Callable[[], torch.Tensor] | None = weight
        self._bias = bias
        self._uses = 0

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """The product of `rows` [..., in]: [..., out]."""
        found = self._product(rows)
        if self._weight is not None and rows.numel() <= FEW_ROWS * rows.shape[-1]:
            self._uses += 1
            if self._uses == PATIENCE:
                self.move(rows)
        return found

    def move(self, rows: torch.Tensor) -> None:
        """Move now, if the weight fits 16 bits and the products of `rows` agree."""
        if self._weight is None:
            return
        right, weight = self._product(rows), self._weight()
        self._weight = None
        scales = scaled_to_fit(weight)
        if scales is None:
            return
        # Let go of what it held before it is packed again: the largest weight of a model is large
        self._product = torch.nn.Identity()
        half = scaled_product(weight, scales, self._bias)
        if half is not None and _agree(half(rows), right):
            self._product = half
        else:
            weight.div_(scales[:, None])
            self._product = partial(torch.nn.functional.linear, weight=weight, bias=self._bias)


@torch.inference_mode()
def scaled_to_fit(weight: torch.Tensor) -> torch.Tensor | None:
    """Scale each row of a float32 weight [out, in] in place so that float16 holds it; return the scales [out].

    None if float16 does not hold it.
    """
    largest = torch.maximum(weight.amax(1), -weight.amin(1))
    exponents = torch.frexp(largest).exponent.clamp(min=LEAST_EXPONENT)
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
        return multiply(rows, packed).mul_(back)  # type: ignore[no-any-return]

    return product


def half_product(weight: torch.Tensor, bias: torch.Tensor | None) -> Product | None:
    """The product by a float32 weight [out, in], which is changed, kept in float16; None if there is none."""
    scales = scaled_to_fit(weight)
    return None if scales is None else scaled_product(weight, scales, bias)


def _kept(scaled: torch.Tensor) -> bool:
    """Whether float16 holds these numbers."""
    return bool((scaled.half().float() - scaled).abs().amax() <= LOST)


def _agree(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two products differ by rounding; rows that hold no numbers (padding may) must hold none in both."""
    size = float(other.nan_to_num(0.0, 0.0, 0.0).abs().amax())
    return torch.allclose(one, other, rtol=0.0, atol=TOLERANCE * size, equal_nan=True)
