"""Tiny models: small, of the requested class, with the parts that make an architecture hard, never repetitive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from engines import architectures, matrix
from engines.tiny_tokenizer import make_tokenizer
from transformers import DeepseekV3Config, LlamaConfig, Phi3Config, PretrainedConfig

from harness.datatypes import Completion, Likelihood, Reply, Request
from harness.engines.hf.tiny_model import causal_model_types, tiny_config, tiny_model
from harness.errors import ConfigError

# What must be left of each: settings of the text config, as they are in the tiny model
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2},
    "gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2},
    "gpt_neo": {"attention_layers": ["global", "local"], "window_size": 16},
    "mistral": {"sliding_window": 16, "num_key_value_heads": 2},
    "gemma3_text": {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 16},
    "gemma4_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "hidden_size_per_layer_input": 8,
    },
    "deepseek_v3": {"kv_lora_rank": 16, "q_lora_rank": 16, "qk_head_dim": 16, "first_k_dense_replace": 1, "n_group": 2},
    "glm_moe_dsa": {"index_topk": 16, "mlp_layer_types": ["dense", "sparse"]},
    "gpt_oss": {"layer_types": ["sliding_attention", "full_attention"], "num_local_experts": 4},
    "llama4_text": {"layer_types": ["chunked_attention", "full_attention"], "attention_chunk_size": 16},
    "qwen3_next": {"layer_types": ["linear_attention", "full_attention"], "num_experts": 4, "num_experts_per_tok": 2},
    "jamba": {"num_hidden_layers": 4, "attn_layer_period": 2},
    "mamba2": {"num_hidden_layers": 2, "state_size": 8},
    "falcon_h1": {"mamba_d_ssm": 64, "mamba_n_heads": 8},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_dense_layers": 1},
    "rwkv": {"num_hidden_layers": 2, "attention_hidden_size": 32},
}


def answers(model: Any) -> list[list[int]]:
    oracle = architectures.Oracle(model, make_tokenizer())
    return [list(oracle.generate(text).ids) for text in ("The quick brown fox", architectures.SHARED, "A")]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_twin_is_small_has_the_features_of_its_family_and_says_many_things(model_type: str) -> None:
    config = tiny_config(model_type, 361)
    assert {name: getattr(config, name) for name in FAMILIES[model_type]} == FAMILIES[model_type]
    assert (config.bos_token_id, config.eos_token_id, config.vocab_size) == (0, 1, 361)
    model = tiny_model(config)
    assert 10_000 < sum(parameter.numel() for parameter in model.parameters()) < 150_000
    reported = answers(model)
    assert len({tuple(one) for one in reported}) == 3, "a model that always generates the same tests nothing"
    assert len({token for one in reported for token in one}) >= 10


def test_the_weights_depend_on_the_seed_and_on_nothing_else() -> None:
    config = tiny_config("qwen2_moe")
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    first, again, other = tiny_model(config, 3).state_dict(), tiny_model(config, 3).state_dict(), tiny_model(config, 4)
    assert torch.equal(torch.rand(1), wanted)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other.state_dict()["lm_head.weight"])


def test_no_bias_and_no_norm_is_the_constant_it_starts_as() -> None:
    for name, parameter in tiny_model(tiny_config("qwen2")).named_parameters():
        assert float(parameter.detach().std()) > 0.01, name


GIVEN = {
    "llama 3.1": LlamaConfig(
        hidden_size=4096,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=131072,
        vocab_size=128256,
        eos_token_id=[128001, 128008],
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    ),
    "phi 3 long": Phi3Config(
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        sliding_window=262144,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0 + at / 100 for at in range(48)],
            "long_factor": [2.0 + at for at in range(48)],
            "original_max_position_embeddings": 4096,
        },
    ),
    "deepseek v3": DeepseekV3Config(
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 40.0,
            "original_max_position_embeddings": 4096,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
        },
    ),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_given_config_keeps_its_kind_of_rotary_positions(name: str) -> None:
    given: PretrainedConfig = GIVEN[name]
    tiny = tiny_config(given, 361)
    assert type(tiny) is type(given)
    assert tiny.rope_parameters["rope_type"] == given.rope_parameters["rope_type"]
    assert tiny.rope_parameters["original_max_position_embeddings"] <= tiny.max_position_embeddings == 512
    assert tiny.num_hidden_layers == 2
    assert given.num_hidden_layers > 2, "the config given is left as it was"
    assert len({tuple(one) for one in answers(tiny_model(tiny))}) == 3


def test_a_given_config_gets_no_feature_it_has_not() -> None:
    assert tiny_config(LlamaConfig(num_attention_heads=32, num_key_value_heads=32)).num_key_value_heads == 4
    assert tiny_config("llama").num_key_value_heads == 2


@pytest.mark.parametrize(
    ("model_type", "why"),
    [("musicgen", "audio codes"), ("t5", "no causal language model"), ("gemma4_assistant", "drafts")],
)
def test_what_is_no_language_model_is_refused_with_the_reason(model_type: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        tiny_config(model_type)


def test_every_class_but_few_has_a_small_config() -> None:
    refused = set()
    for model_type in causal_model_types():
        try:
            tiny_config(model_type)
        except ConfigError:
            refused.add(model_type)
    assert len(refused) <= 4, refused


class Wrong:
    """Answers as an engine does, but for the last letter of each text and the scores' fourth digit."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        for reply in self.engine.stream(requests):
            if isinstance(reply, Completion):
                yield replace(reply, text=reply.text[:-1])
            elif isinstance(reply, Likelihood):
                yield replace(
                    reply, continuations=tuple(replace(c, logprob=c.logprob + 2e-3) for c in reply.continuations)
                )


def test_the_comparison_finds_equals_equal_and_a_wrong_engine_wrong(tmp_path: Path) -> None:
    make = matrix.engine_maker("reference", {"batch_size": 4})
    verdict = architectures.examine("qwen2", tmp_path / "right", make)
    assert verdict.equal, verdict
    assert verdict.class_name == "Qwen2ForCausalLM"
    assert verdict.distinct >= architectures.VARIED

    wrong = architectures.examine("qwen2", tmp_path / "wrong", lambda folder: Wrong(make(folder)))
    assert wrong.equal is False
    assert len(wrong.differences) >= len(architectures.PROMPTS) + 3 * len(architectures.SCORED)
    page = matrix.table([verdict, wrong], "reference")
    assert "- equal: 1" in page
    assert "**differs**" in page
