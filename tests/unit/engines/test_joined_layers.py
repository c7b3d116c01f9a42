"""Joined layers compute what each computes alone, whatever a module does with its layers' inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from harness.engines.hf import linear
from harness.engines.hf.joined import JoinedProduct, groups_of

Layers = tuple[torch.nn.Linear, torch.nn.Linear]


class Gated(torch.nn.Module):
    """Two layers of one input, used in the way that `use` says."""

    def __init__(self, use: Callable[[Layers, torch.Tensor], torch.Tensor], *, bias: bool = True) -> None:
        super().__init__()
        self.gate_proj = torch.nn.Linear(64, 96, bias=bias)
        self.up_proj = torch.nn.Linear(64, 80, bias=bias)
        self.use = use

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.use((self.gate_proj, self.up_proj), rows)


def usual(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([layer(rows) for layer in layers], -1)


def other_way_round(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([layers[1](rows), layers[0](rows)], -1)


def one_twice(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([layers[0](rows), layers[0](rows), layers[1](rows), layers[1](rows)], -1)


def other_inputs(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    return torch.cat([layers[0](rows), layers[1](rows * 2)], -1)


def only_one(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    return layers[1](rows)  # type: ignore[no-any-return]


def changed_between(layers: Layers, rows: torch.Tensor) -> torch.Tensor:
    rows = rows.clone()
    first = layers[0](rows)
    return torch.cat([first, layers[1](rows.mul_(3))], -1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("use", [usual, other_way_round, one_twice, other_inputs, only_one, changed_between])
def test_joined_layers_compute_the_same(
    use: Callable[[Layers, torch.Tensor], torch.Tensor], bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linear._has_onednn():
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    monkeypatch.setattr(linear, "_joining_gains", lambda layers, product: True)
    module = Gated(use, bias=bias)
    inputs = [torch.randn(1, count, 64) for count in (1, 5, 5, 2)]
    with torch.inference_mode():
        before = [module(rows) for rows in inputs]
        assert linear.pack_linears(module, "cpu") == 2
        # Twice: the first input of all is watched, the later ones are not
        for _ in range(2):
            for rows, right in zip(inputs, before, strict=True):
                assert torch.allclose(module(rows), right, atol=1e-5)


def test_nothing_large_is_kept_after_each_layer_has_its_part() -> None:
    product = JoinedProduct(lambda rows: torch.cat([rows, rows], -1), (3, 3))
    rows = torch.ones(2, 3)
    for _ in range(2):
        product.part(0)(rows)
        product.part(1)(rows)
        assert product._input is None and not any(part is not None for part in product._parts)


def test_layers_that_do_not_match_are_not_joined() -> None:
    module = Gated(usual)
    assert len(list(groups_of(module, lambda layer: True))) == 1
    assert not list(groups_of(module, lambda layer: layer is module.up_proj))
    module.up_proj.bias = None
    assert not list(groups_of(module, lambda layer: True)), "one with a bias, one without"
    module = Gated(usual)
    module.up_proj = torch.nn.Linear(32, 80)
    assert not list(groups_of(module, lambda layer: True)), "another width of input"
