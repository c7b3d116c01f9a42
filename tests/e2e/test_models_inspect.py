"""A user asks what the engine would do with a model, before any suite runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engines.tiny_tokenizer import make_tokenizer

from harness.engines.twin import tiny_config, tiny_model


def saved(folder: Path, kind: str) -> Path:
    tokenizer = make_tokenizer()
    tiny_model(tiny_config(kind, vocab_size=len(tokenizer)), seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_the_demo_model_is_told_in_a_page(cli: Callable) -> None:
    seen = cli("models", "inspect", "demo-larger")
    assert seen.code == 0, seen.err
    lines = dict(line.split(maxsplit=1) for line in seen.out.splitlines() if line.strip())
    assert lines["class"] == "LlamaForCausalLM (type llama)"
    assert lines["parameters"] == "967,808"
    assert lines["level"] == "packed (held against transformers)"
    assert "2048" in lines["window"]


@pytest.mark.parametrize(("kind", "level"), [("mistral", "packed"), ("bloom", "padded"), ("mamba", "plain")])
def test_a_checkpoint_is_told_its_level_and_why_it_is_no_faster(
    cli: Callable, tmp_path: Path, kind: str, level: str
) -> None:
    folder = saved(tmp_path / kind, kind)
    seen = cli("models", "inspect", folder, "--json")
    assert seen.code == 0, seen.err
    engine = json.loads(seen.out)["engine"]
    assert (engine["level"], engine["level_of"]) == (level, "weights")
    assert any("not run packed" in note for note in engine["notes"]) == (level != "packed")


def test_without_weights_a_twin_is_tried_and_that_is_said(cli: Callable) -> None:
    seen = cli("models", "inspect", "demo-larger", "--no-weights", "--json")
    assert seen.code == 0, seen.err
    told = json.loads(seen.out)
    assert (told["engine"]["level"], told["engine"]["level_of"]) == ("packed", "twin")
    assert told["model"]["parameters"] == 967808, "the model's own, not the twin's"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("models", "inspect", "./nowhere"), "no such folder"),
        (("models", "inspect", "demo-larger", "--device", "gpu"), "device: 'gpu' is not"),
        (("models", "inspect", "demo-larger", "--dtype", "float33"), "float33"),
        (("run", "--set", "engine.level=packd"), "level: input should be"),
        (("run", "--set", "engine.batchsize=3"), "did you mean 'batch_size'?"),
        (("run", "--max-memory", "0"), "max_memory"),
        (("run", "--engine", "reference", "--device", "cpu,cpu"), "several devices go with engine local"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(cli: Callable, words: tuple[str, ...], said: str) -> None:
    seen = cli(*words)
    assert seen.code == 2
    assert said in seen.err and len(seen.err.strip().splitlines()) == 1
