"""Products in the processor's own order of weights: compared at the first start, and later only if one differed."""

from __future__ import annotations

import pytest
import torch

from harness.engines.hf import linear


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
