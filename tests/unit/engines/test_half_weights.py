"""Weights in 16 bits give the products of float32, or are not used."""

from __future__ import annotations

import pytest
import torch

from harness.engines.hf import half_weights
from harness.engines.hf.half_weights import HalvedOnUse, Halving, half_product
from harness.engines.hf.joined import Product

BIAS = torch.linspace(-1, 1, 96)


def stored_as(kind: torch.dtype, spread: float, seed: int = 0) -> torch.Tensor:
    """A weight of a checkpoint of this precision, read as float32; `spread`: of the sizes, in powers of e."""
    torch.manual_seed(seed)
    sizes = (torch.randn(96, 160) * spread).exp()
    return (sizes * torch.randn(96, 160) * 0.02).to(kind).float()


pytestmark = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="this torch has no products with float16 weights"
)
ACTIVE = Halving(active=True)


def product_of(weight: torch.Tensor, bias: torch.Tensor | None = None) -> Product:
    product = half_product(weight.clone(), bias)
    assert product is not None
    return product


def errors(weight: torch.Tensor, bias: torch.Tensor | None, rows: torch.Tensor) -> tuple[float, float]:
    """The largest error of the product in 16 bits and of torch's in float32, relative to the sums of absolute terms."""
    product = product_of(weight, bias)
    wide = None if bias is None else bias.double()
    right = torch.nn.functional.linear(rows.double(), weight.double(), wide)
    size = torch.nn.functional.linear(rows.double().abs(), weight.double().abs()).clamp(min=1e-300)
    plain = torch.nn.functional.linear(rows, weight, bias)
    return float(((product(rows) - right).abs() / size).max()), float(((plain - right).abs() / size).max())


@pytest.mark.parametrize("spread", [0.0, 3.0, 8.0])
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bias", [None, BIAS], ids=["no bias", "bias"])
def test_a_weight_of_a_16_bit_checkpoint_gives_the_products_of_float32(
    kind: torch.dtype, bias: torch.Tensor | None, spread: float
) -> None:
    """Also where sizes of one row lie many orders of magnitude apart, far beyond what float16 can hold by itself."""
    weight = stored_as(kind, spread).clamp(-6e4, 6e4)
    for rows in (torch.randn(1, 160), torch.randn(2, 7, 160), torch.randn(160, 3).t() * 1e4, torch.randn(160)):
        ours, plain = errors(weight, bias, rows)
        # Sums of 160 terms, in another order: each addition rounds by 2**-24
        assert ours <= 160 * 2.0**-24 and plain <= 160 * 2.0**-24


def test_a_single_weight_counts_however_small_beside_the_others_rows() -> None:
    """Each row has a scale of its own."""
    weight = torch.zeros(96, 160)
    weight[3, 5] = 2.0**-60
    weight[7, :] = 3.0
    found = product_of(weight)(torch.full((1, 160), 2.0**50))
    assert found[0, 3] == 2.0**-10 and found[0, 7] == 3 * 160 * 2.0**50 and not found[0, 4]


@pytest.mark.parametrize(
    "weight",
    [
        torch.randn(96, 160),
        torch.ones(96, 160) + torch.zeros(96, 160).index_fill_(1, torch.tensor([9]), 2.0**-12),
        torch.ones(96, 160).index_fill_(0, torch.tensor([40]), 2.0**-70),
        torch.ones(96, 160).index_fill_(0, torch.tensor([40]), 2.0**-140),
        torch.ones(96, 160).index_fill_(0, torch.tensor([40]), float("inf")),
        torch.ones(96, 160).index_fill_(0, torch.tensor([40]), float("nan")),
    ],
    ids=[
        "float32",
        "one digit too many in one column",
        "a row too small to be scaled",
        "subnormal",
        "infinite",
        "no number",
    ],
)
def test_a_weight_that_would_lose_digits_stays_in_float32(weight: torch.Tensor) -> None:
    assert half_product(weight.clone(), None) is None


def test_it_moves_once_and_only_where_few_rows_are_used_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = stored_as(torch.bfloat16, 1.0)
    product_of(weight)
    calls: list[int] = []

    def plain(rows: torch.Tensor) -> torch.Tensor:
        calls.append(rows.shape[-2])
        return torch.nn.functional.linear(rows, weight, BIAS)

    # What is used where the move fails
    monkeypatch.setattr(half_weights, "_in_float32", lambda *_: None)
    halving = Halving()
    product = HalvedOnUse(plain, weight.clone, BIAS, halving)
    many, few, none = torch.randn(1, half_weights.FEW_ROWS + 1, 160), torch.randn(2, 1, 160), torch.randn(0, 160)
    # As padding may
    few[1] = float("nan")
    for _ in range(2 * half_weights.PATIENCE):
        product(few)
    halving.active = True
    for rows in (many, none):
        for _ in range(2 * half_weights.PATIENCE):
            product(rows)
    assert len(calls) == 6 * half_weights.PATIENCE
    for _ in range(half_weights.PATIENCE):
        product(few)
    used = len(calls)
    for rows in (few, many, none):
        assert torch.allclose(product(rows), torch.nn.functional.linear(rows, weight, BIAS), atol=1e-5, equal_nan=True)
    assert len(calls) == used > 6 * half_weights.PATIENCE, "the product in float32 is let go"


@pytest.mark.parametrize("wrong", ["digits", "other numbers", "no such product", "no memory"])
def test_the_product_is_the_same_where_the_weight_cannot_move(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weight = stored_as(torch.float32 if wrong == "digits" else torch.bfloat16, 1.0)

    def refuse(*_: object) -> None:
        raise RuntimeError("Didn't find engine for operation quantized::linear_prepack_fp16")

    def no_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("out of memory")

    if wrong == "other numbers":
        monkeypatch.setattr(half_weights, "scaled_product", lambda weight, scales, bias: lambda rows: rows @ weight.T)
    if wrong == "no such product":
        monkeypatch.setattr(torch.ops.quantized, "linear_prepack_fp16", refuse)
    if wrong == "no memory":
        monkeypatch.setattr(half_weights, "_agree", no_memory)
    product = HalvedOnUse(lambda rows: torch.nn.functional.linear(rows, weight, BIAS), weight.clone, BIAS, ACTIVE)
    rows = torch.randn(1, 160)
    right = torch.nn.functional.linear(rows, weight, BIAS)
    for use in range(1, 2 * half_weights.PATIENCE):
        if wrong == "no memory" and use == half_weights.PATIENCE:
            with pytest.raises(torch.OutOfMemoryError):
                product(rows)
        assert torch.allclose(product(rows), right, atol=1e-6)
