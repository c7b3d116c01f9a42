"""The wrong models a stranger names, each with its one clear line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.engines import reference
from harness.engines.base import ModelSpec
from harness.engines.hf.device import choose_device, choose_dtype
from harness.engines.hf.digests import weights_digest
from harness.engines.hf.window import fit_prompt, fit_row
from harness.errors import ConfigError, EngineError, HarnessError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint of a tiny Llama with a word-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("good")
    torch.manual_seed(0)
    vocab = {word: index for index, word in enumerate(["<unk>", "</s>", "a", "b"])}
    inner = Tokenizer(models.WordLevel(vocab, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>").save_pretrained(folder)
    config = LlamaConfig(vocab_size=4, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "model"))


def build(path: Path | str, **spec: Any) -> reference.ReferenceEngine:
    return reference.build(ModelSpec(str(path), **{"device": "cpu"} | spec), {})


def reported(path: Path | str, **spec: Any) -> HarnessError:
    with pytest.raises(HarnessError) as caught:
        build(path, **spec)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return caught.value


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "no such folder" in str(reported(tmp_path / "nowhere"))
    assert "no such folder" in str(reported("./nowhere"))
    assert "neither a folder nor a hub id" in str(reported("org/na me"))


def test_a_file_instead_of_a_folder(copy: Path) -> None:
    assert "give the folder" in str(reported(copy / "config.json"))


def test_a_folder_without_config(copy: Path) -> None:
    (copy / "config.json").unlink()
    assert "no config.json" in str(reported(copy))


def test_a_config_that_is_not_json(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    assert "config.json cannot be read" in str(reported(copy))


def test_a_folder_without_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    assert "no weights there" in str(reported(copy))
    (copy / "adapter_config.json").write_text("{}")
    assert "it holds no PEFT adapter" in str(reported(copy))


def test_a_folder_without_tokenizer(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    assert "no tokenizer there" in str(reported(copy))


def test_an_encoder_is_not_a_causal_language_model(copy: Path) -> None:
    edit(copy, model_type="bert", architectures=["BertForMaskedLM"])
    assert "a bert model (BertForMaskedLM) is not a causal language model" in str(reported(copy))
    edit(copy, model_type="t5", architectures=["T5ForConditionalGeneration"])
    assert "a t5 model" in str(reported(copy))


def test_code_of_the_repository_runs_only_when_told_to(copy: Path) -> None:
    (copy / "configuration_evil.py").write_text(f"open({str(copy / 'ran')!r}, 'w')\nclass Evil: pass\n")
    edit(copy, model_type="evil", auto_map={"AutoConfig": "configuration_evil.Evil"})
    assert "--trust-remote-code" in str(reported(copy))
    assert not (copy / "ran").exists()


def test_an_unknown_architecture_names_the_library_version(copy: Path) -> None:
    edit(copy, model_type="tomorrow")
    assert "model_type 'tomorrow' is unknown to transformers" in str(reported(copy))


def test_a_revision_of_a_folder_and_a_wrong_style(good: Path) -> None:
    assert "a folder has no revisions" in str(reported(good, revision="main"))
    assert "no chat template" in str(reported(good, style="chat"))


def test_wrong_options_are_told_with_the_nearest_key(good: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key 'batchsize'; did you mean 'batch_size'"):
        reference.build(ModelSpec(str(good)), {"batchsize": 4})
    with pytest.raises(ConfigError, match="batch_size"):
        reference.build(ModelSpec(str(good)), {"batch_size": 0})


def test_wrong_devices_and_dtypes_are_told() -> None:
    import torch

    with pytest.raises(ConfigError, match="'gpu' is not"):
        choose_device("gpu")
    with pytest.raises(ConfigError, match=r"'float23' is not one of.*did you mean 'float32'"):
        choose_dtype("float23", "cpu")
    assert (choose_dtype("bf16", "cpu"), choose_dtype("auto", "cpu")) == ("bfloat16", "float32")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="cuda was requested, but this torch"):
            choose_device("cuda")


@pytest.mark.parametrize("cut", [10, 900])
def test_damaged_weights_are_told_when_they_load(copy: Path, cut: int) -> None:
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(EngineError, match="weights are damaged") as caught:
        build(copy).load()
    assert "\n" not in str(caught.value)


def test_a_git_lfs_pointer_is_told(copy: Path) -> None:
    (copy / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ConfigError, match="git lfs pull"):
        build(copy).load()


def test_a_missing_shard_is_told(copy: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ConfigError, match=r"model-00002-of-00002.safetensors is missing"):
        build(copy).load()


def test_weights_that_lack_a_layer_are_not_filled_with_noise(copy: Path) -> None:
    edit(copy, num_hidden_layers=2)
    with pytest.raises(EngineError, match=r"the weights lack model.layers.1.*more"):
        build(copy).load()


def test_the_digest_sees_other_weights_and_not_another_folder(good: Path, copy: Path) -> None:
    names = ["model.safetensors"]
    same = weights_digest(copy, names)
    assert same == weights_digest(good, names) == {"weights": same["weights"]}
    raw = bytearray((copy / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (copy / "model.safetensors").write_bytes(raw)
    assert weights_digest(copy, names) != same


def test_large_weights_are_sampled_and_the_digest_says_so(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(300 * 2**20)
    before = weights_digest(tmp_path, ["big"])
    assert list(before) == ["weights_sampled"]
    with (tmp_path / "big").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert weights_digest(tmp_path, ["big"]) != before


@pytest.mark.slow
def test_a_hub_id_without_network_is_refused_in_one_line_and_not_tried_again(tmp_path: Path) -> None:
    code = (
        "from harness.engines import reference\nfrom harness.engines.base import ModelSpec\n"
        "from harness.errors import HubError\n"
        "try: reference.build(ModelSpec('org/name'), {})\n"
        "except HubError as e: print(e)\n"
        "import os; print('offline', os.environ.get('HF_HUB_OFFLINE'))\n"
    )
    env = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    env.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.stdout.startswith("org/name: no such folder here, and the Hugging Face hub cannot be reached")
    assert done.stdout.splitlines()[1:] == ["offline 1"], "the hub's libraries must not try again by themselves"
    assert done.stderr == ""


def test_a_prompt_keeps_room_for_half_the_window_at_most() -> None:
    ids = range(100)
    assert fit_prompt(ids, 10, None).max_new == 10
    assert fit_prompt(ids, 10, 200) == fit_prompt(ids, 10, 110)
    short = fit_prompt(ids, 500, 200)
    assert (short.dropped, short.max_new) == (0, 100)
    cut = fit_prompt(ids, 500, 120)
    assert (cut.ids, cut.max_new, cut.dropped) == (tuple(range(40, 100)), 60, 40)


def test_a_scored_row_may_be_one_longer_than_the_window() -> None:
    assert fit_row(range(8), range(3), 10).dropped == 0
    assert fit_row(range(9), range(3), 10).context == tuple(range(1, 9))
    assert fit_row(range(2), range(12), 10).context == ()
