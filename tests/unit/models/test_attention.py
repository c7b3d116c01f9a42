"""The kind of attention and the size of its cache: published figures, and what models that run really keep."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from files import REPO
from transformers import AutoConfig

from harness.engines.hf.tiny_model import tiny_config, tiny_model
from harness.models.attention import attention_of
from harness.models.cache_growth import measure_growth

CONFIGS = REPO / "tests" / "model_configs"


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("name", "kind", "elements"),
    [
        ("deepseek-v3", "MLA", 35_136),
        ("deepseek-v2-lite", "MLA", 15_552),
        ("mixtral-8x7b", "GQA", 65_536),
        ("qwen3-30b-a3b", "GQA", 49_152),
        ("olmoe-1b-7b", "MHA", 65_536),
        ("gpt-oss-20b", "GQA", 24_576),
        ("smollm2-1.7b", "MHA", 98_304),
        ("llama-3.2-1b", "GQA", 16_384),
        ("qwen2.5-0.5b", "GQA", 6_144),
    ],
)
def test_the_cache_of_a_token_is_as_published(name: str, kind: str, elements: int) -> None:
    attention = attention_of(AutoConfig.from_pretrained(CONFIGS / f"{name}.json"))
    assert attention.cache
    assert (attention.kind, attention.cache.per_first_token) == (kind, elements)


def test_a_window_stops_growing() -> None:
    cache = attention_of(AutoConfig.from_pretrained(CONFIGS / "gpt-oss-20b.json")).cache
    assert cache and cache.longest_window == 128
    assert (cache.per_first_token, cache.per_token) == (24_576, 12_288)
    assert cache.elements(100) == 100 * 24_576
    assert cache.elements(1000) == 1000 * 12_288 + 128 * 12_288


def test_deepseek_v4_has_no_latent_but_compressed_keys() -> None:
    attention = attention_of(AutoConfig.from_pretrained(CONFIGS / "deepseek-v4-flash.json"))
    assert attention.kind == "compressed" and "MLA" not in attention.detail
    assert attention.detail.startswith("2 sliding, 21 compressed sparse and 20 heavily compressed layers")
    assert attention.cache and attention.cache.per_token == 3440
    # 6.41 GiB in bfloat16 at a million tokens, beside 43 windows of 128 tokens
    windows = 43 * 128 * 512
    assert round((attention.cache.elements(1_000_000) - windows) * 2 / 2**30, 2) == 6.41


@pytest.mark.parametrize(
    ("kind", "reported"),
    [
        ("llama", "GQA"),
        ("gpt2", "MHA"),
        ("falcon", "MQA"),
        ("gpt_bigcode", "MQA"),
        ("deepseek_v3", "MLA"),
        ("deepseek_v4", "compressed"),
        ("gpt_oss", "GQA"),
        ("gemma3_text", "GQA"),
        ("mistral", "GQA"),
        ("mamba", "state space"),
        ("mamba2", "state space"),
        ("qwen3_next", "hybrid"),
        ("jamba", "hybrid"),
        ("lfm2", "hybrid"),
        ("mpt", "MHA"),
        ("minicpm3", "MLA"),
    ],
)
def test_what_a_running_model_keeps_is_what_its_config_says(kind: str, reported: str) -> None:
    """The oracle is the class itself: the numbers in its cache after a short and a long prompt."""
    config = tiny_config(kind)
    attention, growth = attention_of(config), measure_growth(tiny_model(config))
    assert attention.kind == reported
    assert attention.cache and growth
    assert attention.cache.per_token == growth.per_token
    assert (growth.per_token == 0) == (reported == "state space" or kind == "mistral")
    assert growth.fixed >= 0


def test_mla_really_caches_the_latent_and_nothing_else() -> None:
    config = tiny_config("deepseek_v3")
    growth = measure_growth(tiny_model(config))
    layers, latent = config.num_hidden_layers, config.kv_lora_rank + config.qk_rope_head_dim
    assert growth and growth.per_token == Fraction(layers * latent) and growth.fixed == 0


def test_layers_of_an_unheard_kind_are_unknown_not_guessed() -> None:
    config = AutoConfig.from_pretrained(CONFIGS / "llama-3.2-1b.json")
    config.layer_types = ["entangled_attention"] * 16
    attention = attention_of(config)
    assert (attention.kind, attention.cache) == ("unknown", None)
    assert "entangled_attention" in attention.detail
