"""Products in the processor's own order of weights: compared at the first start, and later only if one differed."""

from __future__ import annotations

import pytest
import torch

from harness.engines.hf import linear


class Gated(torch.nn.Module):
    """Two layers of one input, which are joined where that is faster."""

    def __init__(self) -> None:
        super().__init__()
        self.gate_proj = torch.nn.Linear(64, 96)
        self.up_proj = torch.nn.Linear(64, 80)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.gate_proj(rows), self.up_proj(rows)], -1)


def layers() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 96), torch.nn.ReLU(), torch.nn.Linear(96, 80))


@pytest.mark.parametrize("wrong", [None, 80], ids=["all agree", "one differs"])
def test_a_later_start_compares_again_only_where_a_product_differed(
    wrong: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linear._has_onednn():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    monkeypatch.setattr(linear, "_halving_gains", lambda layer: False)
    compared: list[int] = []
    real = torch.nn.functional.linear

    def counted(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        compared.append(len(weight))
        return real(rows, weight, bias) + (1.0 if len(weight) == wrong else 0.0)

    trials: dict[str, bool] = {}
    numbers, rows = [], torch.randn(5, 64)
    for start in range(2):
        module = layers()
        right = module(rows)
        with monkeypatch.context() as patch:
            patch.setattr(torch.nn.functional, "linear", counted)
            numbers.append(linear.pack_linears(module, "cpu", trials))
        assert compared == ([96, 80] if start == 0 or wrong else []), f"start {start + 1}"
        compared.clear()
        with torch.inference_mode():
            assert torch.allclose(module(rows), right, atol=1e-5)
    assert numbers == ([2, 2] if wrong is None else [1, 1])


def test_a_joined_product_that_differed_is_not_used_by_a_later_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers by themselves agreed, so that as many are packed as if nothing was wrong."""
    if not linear._has_onednn():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    monkeypatch.setattr(linear, "_halving_gains", lambda layer: False)
    monkeypatch.setattr(linear, "_joining_gains", lambda layers, product: True)
    real = torch.nn.functional.linear

    def wrong_together(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
        return real(rows, weight, bias) + (1.0 if len(weight) == 96 + 80 else 0.0)

    trials: dict[str, bool] = {}
    for _ in range(2):
        module = Gated()
        with monkeypatch.context() as patch:
            patch.setattr(torch.nn.functional, "linear", wrong_together)
            assert linear.pack_linears(module, "cpu", trials) == 2
        assert "JoinedProduct" not in module.gate_proj.forward.__qualname__, "each layer has its own product"
