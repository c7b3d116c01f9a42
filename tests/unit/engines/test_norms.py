"""Shortened norms give the numbers of the classes' own code, and a class with other code is left alone."""

from __future__ import annotations

import pytest
import torch
from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm

from harness.engines.hf import norms


class Other(LlamaRMSNorm):  # type: ignore[misc]
    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        return super().forward(hidden_states) + 1  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _always_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(norms, "_gains", lambda norm, short: True)


@pytest.mark.parametrize("kind", [LlamaRMSNorm, MistralRMSNorm, Qwen3RMSNorm])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-2])
def test_known_norms_compute_the_same(kind: type[torch.nn.Module], epsilon: float) -> None:
    plain, short = (kind(96, eps=epsilon) for _ in range(2))
    for norm in (plain, short):
        norm.weight.data = torch.linspace(-2, 3, 96)
    assert norms.shorten_norms(torch.nn.ModuleList([short]), "cpu") == 1
    for scale in (1e-6, 1.0, 1e6):
        for shape in ((1, 5, 96), (2, 3, 4, 96)):
            rows = torch.randn(shape) * scale
            kept = rows.clone()
            with torch.inference_mode():
                assert torch.allclose(short(rows), plain(rows), rtol=2e-6, atol=1e-6)
                assert torch.equal(rows, kept), "the residual goes on from these rows"
                half = rows.bfloat16()
                assert torch.equal(short(half), plain(half))


@pytest.mark.parametrize("kind", [Other, Gemma2RMSNorm, Olmo2RMSNorm])
def test_other_norms_keep_their_code(kind: type[torch.nn.Module]) -> None:
    norm = kind(32)
    assert norms.shorten_norms(torch.nn.ModuleList([norm]), "cpu") == 0
    assert "forward" not in vars(norm)


def test_norms_in_other_precisions_on_devices_or_with_hooks_are_left_alone() -> None:
    assert norms.shorten_norms(torch.nn.ModuleList([LlamaRMSNorm(32)]), "cuda") == 0
    assert norms.shorten_norms(torch.nn.ModuleList([LlamaRMSNorm(32).bfloat16()]), "cpu") == 0
    norm = LlamaRMSNorm(32)
    norm.register_forward_hook(lambda module, inputs, output: output * 2)
    assert norms.shorten_norms(torch.nn.ModuleList([norm]), "cpu") == 0
