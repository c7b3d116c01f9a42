"""A layer whose weight the code around it reads keeps that weight."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from harness.engines.hf import linear
from harness.engines.hf.weights_read import layers_read, weights_read


class Reads(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.read = torch.nn.Linear(64, 64)
        self.called = torch.nn.Linear(64, 64)
        self.inside = torch.nn.Linear(64, 64)
        torch.nn.init.zeros_(self.called.weight)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows.to(self.called.weight.dtype)
        # A weight that a function within the method reads
        products = [(lambda one: one @ self.inside.weight.t())(row) for row in rows]
        return self.called(rows @ self.read.weight.t()) + torch.stack(products)


class ReadsByInheritance(Reads):
    pass


@pytest.mark.parametrize("kind", [Reads, ReadsByInheritance])
def test_layers_whose_weight_is_read_are_found(kind: type[Reads]) -> None:
    module = kind()
    assert layers_read(module) == {id(module.read), id(module.inside)}


def test_without_source_every_layer_that_may_be_meant_counts() -> None:
    scope: dict[str, type] = {}
    forward = "def forward(self, x): return x @ self.one.weight + self.two(x)"
    exec(f"class Unseen:\n    {forward}\n    def other(self): self.three", scope)
    assert {"one", "two"} <= weights_read(scope["Unseen"]) and "three" not in weights_read(scope["Unseen"])


@pytest.mark.parametrize("kind", ["mamba", "falcon_mamba"])
def test_a_model_that_reads_a_weight_computes_the_same_when_the_others_are_packed(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear, "_faster", lambda layer: True)
    sizes = {"hidden_size": 128, "state_size": 16, "time_step_rank": 64}
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, num_hidden_layers=2, vocab_size=300, **sizes)
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        before = model(ids, use_cache=False).logits
        assert linear.pack_linears(model, "cpu") >= 2
        after = model(ids, use_cache=False).logits
    assert float((after - before).abs().max() / before.abs().max()) < 1e-5
