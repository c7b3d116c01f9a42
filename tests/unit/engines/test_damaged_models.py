"""Models that are damaged, or are no model that transformers reads: one line that says what and what to do, exit 2."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import GenerateRequest, Refusal, Sampling, TextPrompt
from harness.engines import local, reference
from harness.engines.base import ModelSpec
from harness.engines.hf import loading
from harness.engines.hf.checkpoint_defaults import not_applied
from harness.errors import EngineError, HarnessError, ModelError

GOOD_SHARD = "model-00001-of-00002.safetensors"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole checkpoint of a tiny Llama with a word-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("good")
    torch.manual_seed(0)
    inner = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "a": 2, "b": 3}, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>").save_pretrained(folder)
    config = LlamaConfig(vocab_size=4, hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=1)
    LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    return folder


@pytest.fixture
def model(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "model"))


def load(folder: Path, engine: Any = reference, **spec: Any) -> Any:
    built = engine.build(ModelSpec(str(folder), device="cpu", **{"dtype": "float32"} | spec), {})
    built.load()
    return built


def refused(folder: Path, engine: Any = reference, **spec: Any) -> str:
    with pytest.raises(HarnessError) as caught:
        load(folder, engine, **spec)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value), "the message says which model"
    return str(caught.value).replace(str(folder), "M")


def edit(folder: Path, file: str = "config.json", **changes: Any) -> None:
    old = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    (folder / file).write_text(json.dumps(old | changes))


def change_weights(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    save_file(change(tensors) or tensors, folder / "model.safetensors", metadata={"format": "pt"})


def test_the_whole_model_loads(model: Path) -> None:
    assert load(model).facts().notes == ()


# --- the weights themselves


@pytest.mark.parametrize("engine", [reference, local])
@pytest.mark.parametrize(("value", "what"), [("nan", "no number (NaN)"), ("inf", "infinite numbers")])
def test_one_number_that_is_none_is_named_though_no_probe_would_meet_it(
    model: Path, engine: Any, value: str, what: str
) -> None:
    change_weights(model, lambda t: t["model.embed_tokens.weight"].__setitem__((3, 0), float(value)))
    message = refused(model, engine)
    assert message.startswith("M: the weights are damaged: model.embed_tokens.weight holds") and what in message
    assert "float32" not in message


def test_weights_too_large_for_half_precision_name_the_precision(model: Path) -> None:
    change_weights(model, lambda t: t["model.norm.weight"].__setitem__(0, 1e6))
    assert "too large for float16; use --dtype float32" in refused(model, dtype="float16")
    load(model)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"<html>not found</html>" * 99, struct.pack("<Q", 2**60) + b"{}" * 99]
)
def test_files_that_are_no_safetensors_are_damaged(model: Path, content: bytes) -> None:
    (model / "model.safetensors").write_bytes(content)
    assert "weights are damaged" in refused(model)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(model: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    (model / "model.safetensors").unlink()
    for content in (pickle.dumps(Evil()), b"garbage" * 99):
        (model / "pytorch_model.bin").write_bytes(content)
        assert "(.bin) are damaged, or hold more than tensors" in refused(model)
    assert not (tmp_path / "ran").exists()


def test_a_cut_bin_file_is_damaged(model: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(model / "model.safetensors"), model / "pytorch_model.bin")
    (model / "model.safetensors").unlink()
    content = (model / "pytorch_model.bin").read_bytes()
    (model / "pytorch_model.bin").write_bytes(content[: len(content) // 2])
    assert "its weights are damaged" in refused(model)


def test_memory_of_the_cpu_that_runs_out_is_not_blamed_on_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*given: Any, **more: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", no_room)
    with pytest.raises(EngineError, match="does not fit into the memory of cpu; try --dtype bfloat16") as caught:
        load(model)
    assert not isinstance(caught.value, ModelError)


# --- weights and config that do not fit together


def test_another_shape_names_the_tensor_and_both_shapes(model: Path) -> None:
    edit(model, intermediate_size=16)
    assert "down_proj.weight has the shape 8 x 8 in the files and 8 x 16 by config.json" in refused(model)


def test_more_layers_in_the_file_than_in_the_config_are_not_left_out(model: Path) -> None:
    edit(model, num_hidden_layers=1)
    assert "the weights hold model.layers.1.input_layernorm.weight and 8 more" in refused(model)


@pytest.mark.parametrize(
    "name", ["model.layers.0.self_attn.q_proj.bias", "model.layers.1.self_attn.q_norm.weight", "lm_head.bias"]
)
def test_a_tensor_of_a_part_that_the_model_has_is_not_left_out(model: Path, name: str) -> None:
    import torch

    change_weights(model, lambda t: t.__setitem__(name, torch.ones(8 if "layers" in name else 4)))
    assert f"the weights hold {name}, which the LlamaForCausalLM of config.json does not use" in refused(model)


def test_buffers_of_older_versions_and_parts_of_other_kinds_are_left_out_and_the_latter_noted(model: Path) -> None:
    import torch

    extra = {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4), "visual.blocks.0.weight": torch.ones(4)}
    change_weights(model, lambda t: t | extra)
    assert load(model).facts().notes == ("left out, as the model has no part for it: visual.blocks.0.weight",)


def test_layers_that_predict_several_tokens_ahead_are_left_out_and_noted(model: Path) -> None:
    change_weights(model, lambda t: t | {k.replace("s.1.", "s.2."): v.clone() for k, v in t.items() if "s.1." in k})
    assert "the weights hold model.layers.2." in refused(model)
    edit(model, num_nextn_predict_layers=1)
    assert any("model.layers.2." in note for note in load(model).facts().notes)


def test_a_missing_tensor_is_named(model: Path) -> None:
    change_weights(model, lambda t: {name: one for name, one in t.items() if "up_proj" not in name})
    assert "the weights lack model.layers.0.mlp.up_proj.weight and 1 more" in refused(model)


def test_packed_numbers_without_a_quantization_config_are_refused(model: Path) -> None:
    import torch

    change_weights(model, lambda t: {name: one.to(torch.int8) for name, one in t.items()})
    assert "is stored as I8, so the weights are quantised" in refused(model)


# --- quantised checkpoints: refused by the config, before any weight is there


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"quant_method": "tomorrow", "bits": 4}, "quantised (tomorrow), which cannot be read here: transformers"),
        ({"quant_method": "modelopt"}, "(modelopt), which cannot be read here: transformers"),
        ({"bits": 4}, "quantization_config has no quant_method"),
        ({}, "quantization_config has no quant_method"),
    ],
)
def test_a_way_of_quantising_that_is_not_known_is_refused_without_weights(
    model: Path, settings: dict[str, Any], words: str
) -> None:
    edit(model, quantization_config=settings)
    (model / "model.safetensors").write_bytes(b"not looked at")
    assert words in refused(model)


@pytest.mark.parametrize(("method", "missing"), [("gptq", "is_optimum_available"), ("awq", "is_gptqmodel_available")])
def test_all_packages_that_are_missing_are_named_at_once(
    model: Path, monkeypatch: pytest.MonkeyPatch, method: str, missing: str
) -> None:
    monkeypatch.setattr(f"transformers.quantizers.quantizer_{method}.{missing}", lambda: False)
    edit(model, quantization_config={"quant_method": method, "bits": 4, "group_size": 32})
    assert "not installed: pip install 'harness[gptq]'; or choose a checkpoint with plain weights" in refused(model)


@pytest.mark.parametrize(
    "settings",
    [
        {"load_in_4bit": True},
        {"quant_method": "fp8", "activation_scheme": "dynamic"},
        {"quant_method": "compressed-tensors", "format": "pack-quantized"},
    ],
)
def test_a_known_way_whose_package_is_missing_names_the_package(
    model: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.quantizers.auto import AutoHfQuantizer

    class Quantizer:
        def validate_environment(self, **_: Any) -> None:
            raise ImportError("requires the package nowhere (`pip install nowhere`)")

    monkeypatch.setattr(AutoHfQuantizer, "from_config", lambda *_, **__: Quantizer())
    edit(model, quantization_config=settings)
    (model / "model.safetensors").write_bytes(b"not looked at")
    assert "pip install nowhere" in refused(model)


def test_quantised_checkpoints_that_the_config_does_not_explain(model: Path) -> None:
    (model / "quantize_config.json").write_text("{}")
    assert "is quantised (quantize_config.json), but config.json has no quantization_config" in refused(model)
    (model / "quantize_config.json").unlink()
    edit(model, quantization={"group_size": 64, "bits": 4})
    assert "quantised for MLX" in refused(model)


# --- repositories of other kinds


@pytest.mark.parametrize("with_config", [True, False])
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("adapter_config.json", "adapter_config.json names no peft_type, so it holds no PEFT adapter"),
        ("tf_model.h5", "weights for TensorFlow only"),
        ("flax_model.msgpack", "weights for Flax only"),
        ("model.onnx", "weights for ONNX only"),
        ("consolidated.00.pth", "weights in the maker's own layout"),
    ],
)
def test_what_is_no_checkpoint_of_transformers_is_called_what_it_is(
    model: Path, file: str, words: str, with_config: bool
) -> None:
    (model / "model.safetensors").unlink()
    if not with_config:
        (model / "config.json").unlink()
    (model / file).write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert words in refused(model)


def test_weights_beside_an_adapter_are_ambiguous(model: Path) -> None:
    (model / "adapter_config.json").write_text("{}")
    assert "whole weights and an adapter" in refused(model)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (GOOD_SHARD, "no model.safetensors.index.json"),
        ("model.safetensors.incomplete", "a download that did not finish"),
        ("llama.safetensors", "it holds llama.safetensors, and a checkpoint's weights are called model.safetensors"),
    ],
)
def test_weights_under_another_name_are_named(model: Path, name: str, words: str) -> None:
    (model / "model.safetensors").rename(model / name)
    assert words in refused(model)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": {}}', '{"weight_map": {"a": 1}}', "[" * 99_999])
def test_an_index_that_is_none_is_refused(model: Path, index: str) -> None:
    (model / "model.safetensors").rename(model / GOOD_SHARD)
    (model / "model.safetensors.index.json").write_text(index)
    assert "is not a weight index" in refused(model)


def test_an_index_cannot_lead_out_of_the_folder(model: Path) -> None:
    shutil.copy(model / "model.safetensors", model.parent / "outside.safetensors")
    (model / "model.safetensors").unlink()
    (model / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../outside.safetensors"}}')
    assert "must name files beside it" in refused(model)


# --- token ids


@pytest.mark.parametrize("value", [-5, 4, 99_999, [1, -5], "</s>", "1", 1.5, True, [[1]]])
@pytest.mark.parametrize("file", ["config.json", "generation_config.json"])
def test_an_end_token_that_no_token_can_be_is_refused(model: Path, value: Any, file: str) -> None:
    edit(model, file, eos_token_id=value)
    message = refused(model)
    assert "eos_token_id" in message and file in message


def test_a_tokenizer_of_another_model_is_refused_and_an_added_token_only_where_it_is_used(model: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens(["extra"])
    tokenizer.save_pretrained(model)
    engine = load(model)
    assert any("the tokenizer has 5 tokens, the model 4" in note for note in engine.facts().notes)

    def ask(text: str) -> Any:
        return next(engine.stream([GenerateRequest("k", "t", "s", 0, TextPrompt(text), Sampling(2))]))

    reply = ask("extra")
    assert isinstance(reply, Refusal) and reply.failure.ours
    assert "the token 4 ('extra') lies beyond the model's embedding of 4 rows" in reply.failure.message
    assert not isinstance(ask("a"), Refusal)
    edit(model, vocab_size=2)
    assert "its tokenizer has 4 tokens, the model's embedding 2 rows" in refused(model)


def test_padding_beyond_the_embedding_is_refused(model: Path) -> None:
    edit(model, pad_token_id=9)
    assert "pad_token_id 9 is no token of the model (0 to 3)" in refused(model)


# --- config, tokenizer and generation defaults


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"hidden_size": "big"},
        {"hidden_size": 10**9},
        {"hidden_act": "tomorrow"},
        {"num_hidden_layers": -1},
        {"num_hidden_layers": 0},
        {"model_type": ["llama"]},
        {"dtype": "float99"},
        {"rope_parameters": {"rope_type": "tomorrow"}},
        {"max_position_embeddings": 1},
        {"quantization_config": "int4"},
    ],
)
def test_settings_that_make_no_sense_are_refused(model: Path, changes: dict[str, Any]) -> None:
    edit(model, **changes)
    assert "config" in refused(model)


@pytest.mark.parametrize("file", ["config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 99_999])
def test_small_files_that_cannot_be_read_are_refused(model: Path, file: str, content: bytes) -> None:
    (model / file).write_bytes(content)
    refused(model)


def test_a_chat_template_that_is_no_text_is_refused(model: Path) -> None:
    edit(model, "tokenizer_config.json", chat_template=5)
    assert "chat_template must be text" in refused(model)


def test_generation_defaults_that_would_change_answers_are_reported_whatever_they_are_called() -> None:
    idle = {"eos_token_id": 1, "max_length": 20, "transformers_version": "5", "temperature": 1.0, "min_length": 0}
    assert not_applied({**idle, "bad_words_ids": None, "top_k": 0}) is None
    for key, value in {
        "forced_bos_token_id": 5,
        "forced_eos_token_id": 1,
        "forced_decoder_ids": [[1, 2]],
        "bad_words_ids": [[5]],
        "sequence_bias": [[[5], 1.0]],
        "typical_p": 0.5,
        "temperature": 0.6,
        "a_key_of_tomorrow": 1,
    }.items():
        assert not_applied({**idle, key: value}) == f"not applied from generation_config.json: {key}={value}"
