"""Tiny random models, made on the spot: real architectures, real tokenizers, no download."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from engines.asking import MakeEngine
from engines.tiny_tokenizer import make_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from harness import plugins
from harness.engines.base import Engine, ModelSpec

SHARED = Path(__file__).resolve().parents[3] / "shared"
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
# A wide start keeps random logits apart: rounding in padded batches must not tip ties.
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 128},
    "qwen2": {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 128},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "mistral": {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 128, "sliding_window": 8},
    "gemma": {**SMALL, "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 128},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


MakeModel = Callable[..., Path]


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: PreTrainedTokenizerFast) -> MakeModel:
    """Save a random model of a kind with the tiny tokenizer; `generation` becomes generation_config.json."""

    def make(kind: str = "llama", generation: dict[str, Any] | None = None, **config: Any) -> Path:
        folder = tmp_path_factory.mktemp(kind)
        torch.manual_seed(7)
        settings = {
            "vocab_size": len(tiny_tokenizer),
            "bos_token_id": 0,
            "eos_token_id": 1,
            "pad_token_id": 2,
            "initializer_range": 0.4,
            **CONFIGS[kind],
            **config,
        }
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings))
        model.save_pretrained(folder)
        tiny_tokenizer.save_pretrained(folder)
        if generation is not None:
            (folder / "generation_config.json").write_text(json.dumps(generation))
        return folder

    return make


@pytest.fixture(scope="session")
def llama(make_model: MakeModel) -> Path:
    """A folder with a tiny random Llama."""
    return make_model("llama")


@pytest.fixture(params=["reference", "local"])
def engine(request: pytest.FixtureRequest) -> Iterator[MakeEngine]:
    """Build an engine on a model folder: each of our own in turn."""
    made: list[Engine] = []

    def make(folder: Path, device: str = "cpu", dtype: str = "float32", **options: Any) -> Engine:
        built = plugins.load("engine", request.param).build(ModelSpec(str(folder), device=device, dtype=dtype), options)
        made.append(built)
        return built

    yield make
    for one in made:
        one.close()
