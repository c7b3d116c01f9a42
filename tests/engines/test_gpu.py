"""What only a GPU can prove (`make test-gpu`): the same engine on CUDA, in float32 and in half precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import harness
from harness import plugins
from harness.datatypes import (
    Completion,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Refusal,
    Reply,
    Request,
    Sampling,
    TextPrompt,
)
from harness.engines.base import ModelSpec
from harness.engines.hf import placement
from harness.engines.hf.live_model import tensors_digest

pytestmark = pytest.mark.gpu

SHOTS = "Question: what is 3 + 4? Answer: 7\nThe quick brown fox jumps over the lazy dog.\n" * 4
KINDS = ["llama", "gpt2", "qwen2", "mistral", "gemma", "bloom", "mamba"]


@pytest.fixture(autouse=True)
def a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("this torch sees no GPU (README, GPU)")


def requests() -> list[Request]:
    requested: list[Request] = [
        GenerateRequest(f"g{n}", "t", f"g{n}", 0, TextPrompt(f"{SHOTS if n % 2 else ''}{n} foxes"), Sampling(5 + n))
        for n in range(12)
    ]
    return [
        *requested,
        LikelihoodRequest("l", "t", "l", 0, TextPrompt(SHOTS), (" 7", " fox jumps over", " the lazy dog")),
    ]


def run(folder: Path, name: str, device: str, dtype: str, **options: Any) -> tuple[dict[str, Reply], str]:
    engine = plugins.load("engine", name).build(ModelSpec(str(folder), device=device, dtype=dtype), options)
    try:
        replies = {reply.key: reply for reply in engine.stream(requests())}
        assert len(replies) == len(requests())
        return replies, str(engine.facts().generation.get("level"))
    finally:
        engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_float32_on_the_gpu_says_what_the_cpu_says(kind: str, make_model: Callable[..., Path]) -> None:
    folder = make_model(kind)
    wanted, _ = run(folder, "reference", "cpu", "float32")
    got, level = run(folder, "local", "cuda", "float32")
    assert level in ("packed", "padded", "plain")
    for key, reply in wanted.items():
        other = got[key]
        if isinstance(reply, Completion) and isinstance(other, Completion):
            assert other.text == reply.text
        if isinstance(reply, Likelihood) and isinstance(other, Likelihood):
            for a, b in zip(reply.continuations, other.continuations, strict=True):
                assert b.logprob == pytest.approx(a.logprob, abs=1e-3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("kind", ["llama", "mistral", "gemma"])
def test_half_precision_stays_packed_and_close(kind: str, dtype: str, make_model: Callable[..., Path]) -> None:
    folder = make_model(kind, initializer_range=0.1)
    wanted, _ = run(folder, "reference", "cuda", dtype)
    got, level = run(folder, "local", "cuda", dtype)
    assert level == "packed"
    right, found = wanted["l"], got["l"]
    assert isinstance(right, Likelihood) and isinstance(found, Likelihood)
    for a, b in zip(right.continuations, found.continuations, strict=True):
        assert b.logprob == pytest.approx(a.logprob, rel=0.05, abs=0.5)


def test_a_model_in_memory_is_evaluated_where_it_is(llama: Path, tmp_path: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32).to("cuda").train()
    tokenizer = AutoTokenizer.from_pretrained(llama)
    before, drawn = tensors_digest(model), torch.cuda.get_rng_state()
    words: dict[str, Any] = {"tasks": "demo_math", "limit": 4}
    live = harness.evaluate(model=model, tokenizer=tokenizer, out=tmp_path / "live", **words)
    saved = harness.evaluate(model=llama, device="cuda", dtype="float32", out=tmp_path / "saved", **words)
    assert [record.reply for record in live.records if isinstance(record.reply, Refusal)] == []
    assert [texts(record) for record in live.records] == [texts(record) for record in saved.records]
    assert model.training and tensors_digest(model) == before
    assert torch.equal(torch.cuda.get_rng_state(), drawn)


def texts(record: harness.Record) -> str:
    assert isinstance(record.reply, Completion)
    return record.reply.text


def test_a_model_that_does_not_fit_is_spread_over_gpu_and_cpu(
    make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model("llama", num_hidden_layers=4)
    size = (folder / "model.safetensors").stat().st_size
    wanted, _ = run(folder, "local", "cuda", "float32")
    monkeypatch.setattr(placement, "free_bytes", lambda device: 10**9 if device == "cpu" else int(size * 0.8))
    engine = plugins.load("engine", "local").build(ModelSpec(str(folder), device="auto", dtype="float32"), {})
    got = {reply.key: reply for reply in engine.stream(requests())}
    assert [note for note in engine.facts().notes if "dispatched" in note]
    engine.close()
    assert {key: getattr(reply, "text", "") for key, reply in got.items()} == {
        key: getattr(reply, "text", "") for key, reply in wanted.items()
    }


def test_memory_that_runs_out_costs_rows_not_answers(llama: Path) -> None:
    wanted, _ = run(llama, "local", "cuda", "float32")
    free, _ = torch.cuda.mem_get_info()
    taken = torch.empty(int(free * 0.97), dtype=torch.uint8, device="cuda")
    got, _ = run(llama, "local", "cuda", "float32")
    del taken
    assert {key: getattr(reply, "text", "") for key, reply in got.items()} == {
        key: getattr(reply, "text", "") for key, reply in wanted.items()
    }


def test_two_gpus_answer_like_one(llama: Path) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("this machine has one GPU")
    wanted, _ = run(llama, "local", "cuda:0", "float32")
    got, _ = run(llama, "local", "cuda:0,1", "float32")
    assert {key: getattr(reply, "text", "") for key, reply in got.items()} == {
        key: getattr(reply, "text", "") for key, reply in wanted.items()
    }
