"""A user asks what the engine would do with a model, before any suite runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from engines.tiny_tokenizer import make_tokenizer
from files import REPO

from harness.engines.hf.tiny_model import tiny_config, tiny_model

CONFIGS = REPO / "tests" / "model_configs"


def saved(folder: Path, kind: str) -> Path:
    tokenizer = make_tokenizer()
    tiny_model(tiny_config(kind, vocab_size=len(tokenizer)), seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_the_demo_model_fits_a_page(cli: Callable) -> None:
    seen = cli("models", "inspect", "demo-larger")
    assert seen.code == 0, seen.err
    lines = dict(line.split(maxsplit=1) for line in seen.out.splitlines() if line.strip())
    assert lines["class"] == "LlamaForCausalLM (type llama)"
    assert lines["parameters"] == "967,808 (967.8 k)"
    assert lines["attention"].startswith("MHA: 4 heads")
    assert lines["KV"].startswith("cache     2,048 bytes a token in bfloat16 (1,024 numbers)")
    assert "no normaliser" in lines["tokenizer"]
    assert "they agree" in seen.out
    assert lines["level"] == "packed (checked against transformers)"
    assert lines["window"] == "2,048 tokens"


@pytest.mark.parametrize(("kind", "level"), [("mistral", "packed"), ("bloom", "padded"), ("mamba", "plain")])
def test_a_checkpoint_gets_its_mode_and_why_it_is_no_faster(
    cli: Callable, tmp_path: Path, kind: str, level: str
) -> None:
    folder = saved(tmp_path / kind, kind)
    seen = cli("models", "inspect", folder, "--json")
    assert seen.code == 0, seen.err
    engine = json.loads(seen.out)["engine"]
    assert (engine["level"], engine["level_of"]) == (level, "weights")
    assert any("packed mode is not used" in note for note in engine["notes"]) == (level != "packed")


def test_without_weights_a_tiny_model_is_tried_and_that_is_stated(cli: Callable) -> None:
    seen = cli("models", "inspect", "demo-larger", "--no-weights", "--json")
    assert seen.code == 0, seen.err
    shown = json.loads(seen.out)
    assert (shown["engine"]["level"], shown["engine"]["level_of"]) == ("packed", "twin")
    assert shown["model"]["parameters"] == 967808, "the model's own, not the tiny model's"


def test_a_bare_config_is_enough(cli: Callable) -> None:
    seen = cli("models", "inspect", CONFIGS / "deepseek-v3.json", "--context", "1000")
    assert seen.code == 0, seen.err
    for shown in (
        "671,026,404,352 (671.0 B)",
        "37.6 B for each token; 36.6 B without the input embedding (8 of 256 routed experts a layer)",
        "MLA: 128 heads read one latent of 512 + 64 numbers a token",
        "70,272 bytes a token in bfloat16 (35,136 numbers)",
        "they agree",
        "163,840 tokens",
        "tokenizer    none",
        "licence      unknown",
        "KV of one row of 1,000 tokens",
        "1,249.9 GiB",
        "the weights were not tried",
    ):
        assert shown in seen.out, shown


def test_a_folder_with_only_a_config_and_a_licence_is_enough_too(cli: Callable, tmp_path: Path) -> None:
    folder = tmp_path / "mixtral"
    folder.mkdir()
    shutil.copy(CONFIGS / "mixtral-8x7b.json", folder / "config.json")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n", encoding="utf-8")
    shown = json.loads(cli("models", "inspect", folder, "--json").out)
    model = shown["model"]
    assert (model["parameters"], model["active_parameters"]) == (46_702_792_704, 12_879_925_248)
    assert model["licence"] == "apache-2.0 (README.md)"
    assert model["tokenizer"] is None and model["digests"] == {}
    assert model["kv_cache"]["agree"] is True
    bfloat16 = next(one for one in model["memory"] if one["precision"] == "bfloat16")
    assert (bfloat16["weights"], bfloat16["kv_cache"]) == (2 * 46_702_792_704, 32_768 * 65_536 * 2)
    assert {file["name"] for file in model["files"]} == {"README.md", "config.json"}
    assert (shown["engine"]["level"], shown["engine"]["level_of"]) == ("packed", "twin")


def test_a_licence_file_speaks_where_no_card_does(cli: Callable, tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", "llama")
    (folder / "LICENSE.txt").write_text("\n   MIT License\n\nCopyright ...\n", encoding="utf-8")
    model = json.loads(cli("models", "inspect", folder, "--no-weights", "--json").out)["model"]
    assert model["licence"] == "MIT License (first line of LICENSE.txt)"


def test_a_rule_that_the_tiny_model_contradicts_is_not_trusted(cli: Callable, tmp_path: Path) -> None:
    # Xlnet keeps hidden states, not keys and values
    config = tmp_path / "odd.json"
    config.write_text(json.dumps({"model_type": "xlnet", "n_layer": 2, "n_head": 4, "d_model": 32, "d_inner": 64}))
    seen = cli("models", "inspect", config)
    assert seen.code == 0, seen.err
    assert "THEY DISAGREE" in seen.out
    shown = json.loads(cli("models", "inspect", config, "--json", "--context", "100").out)["model"]
    assert shown["kv_cache"]["agree"] is False
    assert all(one["kv_cache"] is None and one["weights"] > 0 for one in shown["memory"])


def test_real_tokenizers_are_distinguished(shared: Path) -> None:
    from transformers import AutoTokenizer

    from harness.models.tokenizer_facts import SAMPLES, tokenizer_facts

    shown = {
        name: tokenizer_facts(AutoTokenizer.from_pretrained(shared / "tokenizers" / name))
        for name in ("gpt2", "qwen2.5", "mistral-7b")
    }
    assert [shown[name].kind for name in shown] == ["BPE"] * 3
    assert [shown[name].normaliser for name in shown] == [None, "NFC", "Sequence(Prepend, Replace)"]
    assert [shown[name].unit for name in shown] == ["bytes", "bytes", "characters, else bytes"]
    assert shown["gpt2"].vocabulary == 50257
    # Qwen's was made for Chinese, GPT-2's was not
    assert shown["qwen2.5"].bytes_per_token["Chinese"] > 2 * shown["gpt2"].bytes_per_token["Chinese"]
    assert all(1 <= rate < 8 for one in shown.values() for rate in one.bytes_per_token.values())
    assert set(shown["gpt2"].bytes_per_token) == set(SAMPLES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("models", "inspect", "./nowhere"), "no such folder"),
        (("models", "inspect", "./nothing.json"), "no such"),
        (("models", "inspect", CONFIGS / "mixtral-8x7b.json", "--weights"), "give the folder of the checkpoint"),
        (("models", "inspect", CONFIGS / "mixtral-8x7b.json", "--revision", "main"), "a file has no revisions"),
        (("models", "inspect", "demo-larger", "--device", "gpu"), "device: 'gpu' is not"),
        (("models", "inspect", "demo-larger", "--dtype", "float33"), "float33"),
        (
            ("run", "--set", "engine.level=packd"),
            "level: 'packd' is not one of packed, padded, plain, alone; did you",
        ),
        (("run", "--set", "engine.batchsize=3"), "did you mean 'batch_size'?"),
        (("run", "--max-memory", "0"), "max_memory"),
        (("run", "--engine", "reference", "--device", "cpu,cpu"), "several devices go with engine local"),
    ],
)
def test_what_is_wrong_is_reported_in_one_line(cli: Callable, words: tuple[str, ...], said: str) -> None:
    seen = cli(*words)
    assert seen.code == 2
    assert said in seen.err and len(seen.err.strip().splitlines()) == 1
