"""Counts of parameters against published figures, and against what a token's gradient touches."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from files import REPO
from transformers import AutoConfig, LlamaConfig

from harness.engines.hf.tiny_model import tiny_config, tiny_model
from harness.errors import EngineError
from harness.models.parameters import ROUTED, Parameters, count_parameters, routing

CONFIGS = REPO / "tests" / "model_configs"
# Total, active with and without the input embedding; figures of the makers in the last column
COUNTED = [
    ("deepseek-v3", 671_026_404_352, 37_552_282_624, 36.63, "671B, 37B"),
    ("deepseek-v2-lite", 15_706_484_224, 2_661_150_208, 2.45, "15.7B, 2.4B"),
    ("mixtral-8x7b", 46_702_792_704, 12_879_925_248, 12.75, "46.7B, 12.9B"),
    ("qwen3-30b-a3b", 30_532_122_624, 3_353_032_704, 3.04, "30.5B, 3.3B"),
    ("olmoe-1b-7b", 6_919_161_856, 1_282_017_280, 1.18, "6.9B, 1.3B"),
    ("gpt-oss-20b", 20_914_757_184, 4_187_440_704, 3.61, "20.9B, 3.6B"),
    ("smollm2-1.7b", 1_711_376_384, 1_711_376_384, 1.71, "dense, tied"),
    ("llama-3.2-1b", 1_235_814_400, 1_235_814_400, 1.24, "dense, tied"),
    ("qwen2.5-0.5b", 494_032_768, 494_032_768, 0.49, "dense, tied"),
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(("name", "total", "active", "without_embedding", "makers"), COUNTED)
def test_counts_are_those_of_the_makers(
    name: str, total: int, active: int, without_embedding: float, makers: str
) -> None:
    counted = count_parameters(AutoConfig.from_pretrained(CONFIGS / f"{name}.json"))
    assert (counted.total, counted.active) == (total, active), makers
    assert round((counted.active_without_embedding or 0) / 1e9, 2) == without_embedding, makers


def test_deepseek_v4_flash_with_the_layers_that_it_ships() -> None:
    counted = count_parameters(AutoConfig.from_pretrained(CONFIGS / "deepseek-v4-flash.json"))
    assert counted.active and counted.active_without_embedding
    reported = [counted.total, counted.active, counted.active_without_embedding]
    assert [round(one / 1e9, 1) for one in reported] == [284.3, 13.8, 13.3]
    by_default = count_parameters(AutoConfig.for_model("deepseek_v4"))
    assert by_default.total == 284_325_869_015, "the class's own default has other kinds of layers"


@pytest.mark.parametrize(
    "kind",
    ["mixtral", "qwen3_moe", "olmoe", "deepseek_v3", "deepseek_v2", "gpt_oss", "deepseek_v4", "dbrx", "granitemoe"],
)
def test_one_token_moves_as_many_expert_parameters_as_the_rule_says(kind: str) -> None:
    """The oracle is a gradient: of the routed experts, one token's loss reaches those that it used, and no other."""
    config = tiny_config(kind)
    model = tiny_model(config)
    counted = count_parameters(config)
    for name, table in model.named_buffers():
        if name.endswith("tid2eid"):
            # Experts of a token by its id: a random twin's table names one expert twice
            table.copy_(torch.arange(table.shape[-1]).expand_as(table))
    model(input_ids=torch.tensor([[7]])).logits.float().logsumexp(-1).sum().backward()
    moved = sum(
        int((parameter.grad != 0).sum())
        for name, parameter in model.named_parameters()
        if ROUTED in name and parameter.grad is not None
    )
    assert counted.experts and counted.used and 0 < counted.used < counted.experts
    assert moved == counted.routed * counted.used // counted.experts > 0
    assert counted.total == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("kind", "why"),
    [("longcat_flash", "a token may skip experts"), ("jetmoe", "experts of the MLP have another name")],
)
def test_what_a_token_uses_is_unknown_where_the_rule_does_not_hold(kind: str, why: str) -> None:
    counted = count_parameters(tiny_config(kind))
    assert counted.total > 0 and counted.active is None and counted.active_without_embedding is None, why


def test_experts_without_a_number_for_each_token_are_not_guessed() -> None:
    assert routing(SimpleNamespace(num_experts=8)) == (8, None)
    assert Parameters(100, 80, 5, experts=8, used=None, known=False).active is None


def test_a_tied_embedding_is_the_head_and_is_counted_once() -> None:
    sizes = {"vocab_size": 100, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    tied, apart = (
        count_parameters(LlamaConfig(**sizes, num_attention_heads=2, tie_word_embeddings=one)) for one in (True, False)
    )
    assert apart.total - tied.total == 100 * 8
    assert (tied.active_without_embedding, apart.active_without_embedding) == (tied.total, apart.total - 800)


def test_a_config_that_no_model_can_be_built_of_is_told_in_one_line() -> None:
    config = LlamaConfig(vocab_size=10)
    config.hidden_act = "wishful"
    with pytest.raises(EngineError, match=r"llama: cannot be built without weights .*wishful"):
        count_parameters(config)
