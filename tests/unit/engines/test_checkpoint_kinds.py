"""Adapters, GGUF files and quantised weights that cannot be run are refused in one line; precisions have names."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.protocol import protocol_differences
from harness.config import pages
from harness.engines.base import ModelSpec
from harness.engines.hf import adapters, quantise
from harness.engines.hf.checkpoint import open_checkpoint
from harness.engines.hf.gguf_files import set_splitting, split_file
from harness.engines.hf.precision import computed_in, words_of
from harness.engines.hf.sources import find_model
from harness.engines.scripted import build as build_scripted
from harness.errors import ConfigError, HarnessError

DEMO = Path(__file__).resolve().parents[3] / "harness" / "demo" / "models" / "demo-smaller"


def refused(path: Path | str, **more: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        open_checkpoint(str(path), None, False, **more)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    return str(caught.value)


def adapter(folder: Path, **config: Any) -> Path:
    folder.mkdir()
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": str(DEMO), "r": 4} | config
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def gguf(file: Path, architecture: str) -> Path:
    """A file of version 3 with one key and no tensor."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    file.write_bytes(head + text("general.architecture") + struct.pack("<I", 8) + text(architecture))
    return file


def test_an_adapter_names_a_base_that_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "installed", lambda _: True)
    gone = adapter(tmp_path / "gone", base_model_name_or_path="/nowhere/base")
    assert refused(gone).endswith(
        f"its base model /nowhere/base is no folder here; name it: --model BASE --adapter {gone}"
    )
    assert "names no base model" in refused(adapter(tmp_path / "none", base_model_name_or_path=None))
    assert "its adapter_model.safetensors" not in refused(adapter(tmp_path / "bare"))
    assert "has no adapter_model.safetensors" in refused(tmp_path / "bare")


def test_a_base_model_has_one_name_wherever_its_relative_folder_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "installed", lambda _: True)
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    for place, name in (("here", "base"), ("beside", "../base"), ("below", "base")):
        folder = adapter(tmp_path / place, base_model_name_or_path=name)
        assert find_model(str(folder), None, None).files.name == str(base)
        monkeypatch.chdir(tmp_path)
        assert find_model(place, None, None).files.name == str(base)
        monkeypatch.chdir("/")


def test_adapters_that_no_engine_runs_are_refused_by_their_kind(tmp_path: Path) -> None:
    assert "a PREFIX_TUNING adapter changes the prompt" in refused(adapter(tmp_path / "a", peft_type="PREFIX_TUNING"))
    assert "its task_type is SEQ_CLS" in refused(adapter(tmp_path / "b", task_type="SEQ_CLS"))
    assert "no adapter_config.json there" in refused(DEMO, adapter=str(DEMO))


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "installed", lambda _: False)
    assert refused(adapter(tmp_path / "a")).endswith("peft is not installed: pip install 'harness[adapters]'")
    monkeypatch.setattr(quantise, "installed", lambda _: False)
    assert refused(DEMO, quantize="int8").endswith("torchao, which is not installed: pip install 'harness[quantized]'")


def test_gguf_files_of_unknown_architectures_and_several_files(tmp_path: Path) -> None:
    file = gguf(tmp_path / "a.gguf", "unheard")
    assert "does not read GGUF files of the architecture 'unheard'" in refused(file)
    gguf(tmp_path / "b.gguf", "unheard")
    assert "has 2 GGUF files; name one" in refused(tmp_path)
    assert "has no file c.gguf; it has a.gguf, b.gguf" in refused(f"{tmp_path}:c.gguf")
    file.write_bytes(file.read_bytes()[:30])
    assert "is no whole GGUF file" in refused(file)
    part = gguf(tmp_path / "x-00001-of-00002.gguf", "llama")
    assert "is one part of several" in refused(part)


def test_a_way_of_splitting_texts_that_is_unknown_is_refused() -> None:
    with pytest.raises(HarnessError, match="splits texts in the way 'odd'"):
        set_splitting("m", None, {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "odd"})


def test_what_is_quantised_is_not_rounded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantise, "installed", lambda _: True)
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    settings = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [32, 32]}
    (tmp_path / "config.json").write_text(json.dumps(config | {"quantization_config": settings}))
    assert "is quantised already: fp8 (transformers)" in refused(tmp_path, quantize="int8")


@pytest.mark.parametrize("given", [{"adapter": "a"}, {"quantize": "int8"}])
def test_engines_without_weights_refuse_what_changes_weights(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"model.{next(iter(given))} has no effect"):
        build_scripted(ModelSpec("m", **given), {"completions": "c.jsonl"})


@pytest.mark.parametrize(
    ("method", "settings", "words"),
    [
        ("bitsandbytes", {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "4 bit (bitsandbytes nf4)"),
        ("bitsandbytes", {"load_in_8bit": True}, "int8 (bitsandbytes)"),
        ("gptq", {"bits": 4}, "4 bit (gptq)"),
        ("awq", {"bits": 4}, "4 bit (awq)"),
        ("torchao", {"quant_type": {"default": {"_type": "Int8WeightOnlyConfig"}}}, "int8 (torchao)"),
        ("torchao", {"quant_type": "int4_weight_only"}, "int4_weight_only (torchao)"),
        ("fp8", {}, "fp8 (transformers)"),
        (
            "compressed-tensors",
            {
                "config_groups": {
                    "g": {
                        "weights": {"num_bits": 8, "type": "float"},
                        "input_activations": {"num_bits": 8, "type": "int"},
                    }
                }
            },
            "fp8, activations int8 (compressed-tensors)",
        ),
    ],
)
def test_precision_in_words(method: str, settings: dict[str, Any], words: str) -> None:
    assert words_of(method, settings) == words
    assert computed_in(words, "float32") == f"{words} in float32"
    assert computed_in(None, "float32") == "float32"


def test_names_of_variants(tmp_path: Path) -> None:
    assert pages.variant_name("base", "org/style@v2", "int8") == "base+style-int8"
    folder = adapter(tmp_path / "mine", base_model_name_or_path="org/base")
    assert pages.model_page(str(folder)).name == "base+mine"
    assert pages.model_page("org/name:model-Q4_K_M.gguf").name == "model-Q4_K_M"
    assert split_file("org/name:model.gguf") == ("org/name", "model.gguf")


def test_two_precisions_of_one_name_are_listed_as_a_difference() -> None:
    def identity(dtype: str) -> dict[str, Any]:
        return {"model": {"name": "m", "weights": "w"}, "engine": {"name": "local", "dtype": dtype}, "tasks": {}}

    found = protocol_differences(identity("float32"), identity("int8 (torchao) in float32"), [])
    assert [one.field for one in found.noted] == ["engine.dtype"]
