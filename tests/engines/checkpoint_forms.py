"""Every form of checkpoint that a CPU can read, made small, and what plain transformers answers with the same package.

`python tests/engines/checkpoint_forms.py --out docs/checkpoints.md` runs them all and writes the table of the docs;
what is not installed is left out of the run and named.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

NEW_TOKENS = 16
# Inputs that share a scale in GPTQ and AWQ, and the number of 4 bits that stands for 0
GROUP, ZERO = 32, 8
MARK = "<!-- measured -->"
DEMO = Path(__file__).resolve().parents[2] / "harness" / "demo" / "models" / "demo-smaller"


@dataclass(frozen=True)
class Made:
    """A checkpoint on disk: how the harness gets it (keys of `ModelSpec`), and plain transformers' model of it."""

    spec: dict[str, Any]
    plain: Callable[[], Any]
    tokenizer: Path
    from_tokenizer: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """One form: its name in the table, the package that reads it, and how it is made from a base model's folder."""

    name: str
    package: str
    make: Callable[[Path, Path], Made]
    precision: str = "float32"


def read(folder: Path, **settings: Any) -> Any:
    """Plain transformers' model in float32."""
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **settings).eval()


def adapter(**settings: Any) -> Callable[[Path, Path], Made]:
    """A LoRA adapter with random weights; `new`: tokens that it adds to the vocabulary."""
    new = settings.pop("new", 0)
    config = {"target_modules": ["q_proj", "v_proj", "down_proj"], "r": 4, "lora_alpha": 8} | settings

    def make(base: Path, folder: Path) -> Made:
        from peft import LoraConfig, PeftModel, get_peft_model

        model, tokenizer = read(base), AutoTokenizer.from_pretrained(base)
        if new:
            tokenizer.add_tokens([f"<new{number}>" for number in range(new)])
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            tokenizer.save_pretrained(folder)
        torch.manual_seed(3)
        trained = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **config))
        for parameter in trained.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.3)
        trained.save_pretrained(folder)

        def plain() -> Any:
            whole = read(base)
            if new:
                whole.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            return PeftModel.from_pretrained(whole, folder).eval()

        return Made({"path": str(base), "adapter": str(folder)}, plain, folder if new else base)

    return make


def gguf(base: Path, folder: Path) -> Made:
    """The demo model, which has a tokenizer that GGUF can hold."""
    from servers.gguf_model import write_gguf

    file = write_gguf(DEMO, folder / "demo.gguf")
    return Made({"path": str(file)}, lambda: read(folder, gguf_file=file.name), DEMO)


def saved(config: Callable[[], Any]) -> Callable[[Path, Path], Made]:
    """A checkpoint that transformers rounded with a package and saved."""

    def make(base: Path, folder: Path) -> Made:
        shutil.copytree(base, folder, dirs_exist_ok=True)
        (folder / "model.safetensors").unlink()
        read(base, quantization_config=config(), device_map={"": "cpu"}).save_pretrained(folder)
        return Made({"path": str(folder)}, lambda: read(folder, device_map={"": "cpu"}), base)

    return make


def rounded(kind: str) -> Callable[[Path, Path], Made]:
    """Weights that are rounded when they load."""

    def make(base: Path, folder: Path) -> Made:
        from harness.engines.hf.quantise import config_of

        settings = {"quantization_config": config_of(kind), "device_map": {"": "cpu"}}
        return Made({"path": str(base), "quantize": kind}, lambda: read(base, **settings), base)

    return make


def compressed(base: Path, folder: Path) -> Made:
    """Weights as 8 bit numbers with one scale a row, in the layout of compressed-tensors."""
    group = {
        "targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel", "dynamic": False},
    }
    settings = {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": ["lm_head"],
    }

    def pack(weight: torch.Tensor) -> dict[str, torch.Tensor]:
        scale = weight.abs().amax(1, keepdim=True) / 127
        numbers = (weight / scale).round().clamp(-128, 127).to(torch.int64)
        # Four numbers to an int32, the first in the lowest byte, each with 128 added
        bytes_ = (numbers + 128).view(weight.shape[0], -1, 4) << torch.tensor([0, 8, 16, 24])
        words = bytes_.sum(-1)
        words = torch.where(words >= 2**31, words - 2**32, words).to(torch.int32)
        return {"weight_packed": words, "weight_scale": scale, "weight_shape": torch.tensor(weight.shape)}

    return _packed(base, folder, settings, pack)


def fp8(base: Path, folder: Path) -> Made:
    """Weights in FP8 with a scale for each block, as DeepSeek and Qwen publish them."""
    block = 32

    def pack(weight: torch.Tensor) -> dict[str, torch.Tensor]:
        rows, columns = weight.shape
        blocks = weight.view(rows // block, block, columns // block, block)
        scale = blocks.abs().amax((1, 3)) / 448
        numbers = (blocks / scale[:, None, :, None]).view(rows, columns).to(torch.float8_e4m3fn)
        return {"weight": numbers, "weight_scale_inv": scale}

    settings = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [block, block]}
    return _packed(base, folder, settings | {"modules_to_not_convert": ["lm_head"]}, pack)


def gptq(base: Path, folder: Path) -> Made:
    """Weights of 4 bits, eight inputs to an int32; of zero points this layout stores one less."""

    def pack(weight: torch.Tensor) -> dict[str, torch.Tensor]:
        numbers, scale = _of_groups(weight)
        groups = (torch.arange(len(numbers)) // GROUP).to(torch.int32)
        qweight, qzeros = _int32(numbers.t()).t().contiguous(), _int32(torch.full(scale.shape, ZERO - 1))
        return {"qweight": qweight, "qzeros": qzeros, "scales": scale.half(), "g_idx": groups}

    settings = {"quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": False, "sym": True}
    return _packed(base, folder, settings | {"checkpoint_format": "gptq", "lm_head": False}, pack)


def awq(base: Path, folder: Path) -> Made:
    """Weights of 4 bits, eight outputs to an int32: the even ones, then the odd ones."""
    order = (0, 2, 4, 6, 1, 3, 5, 7)

    def pack(weight: torch.Tensor) -> dict[str, torch.Tensor]:
        numbers, scale = _of_groups(weight)
        qzeros = _int32(torch.full(scale.shape, ZERO), order)
        return {"qweight": _int32(numbers, order), "qzeros": qzeros, "scales": scale.half()}

    settings = {"quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm"}
    return _packed(base, folder, settings, pack)


def _of_groups(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of 4 bits, [inputs, outputs], and the scale of each group of inputs, [groups, outputs]."""
    groups = weight.t().reshape(-1, GROUP, weight.shape[0])
    scale = groups.abs().amax(1) / (ZERO - 1)
    return ((groups / scale[:, None]).round() + ZERO).view(-1, weight.shape[0]), scale


def _int32(numbers: torch.Tensor, order: tuple[int, ...] = tuple(range(8))) -> torch.Tensor:
    """Eight numbers of the last dimension to one int32, in this order, the first in the lowest bits."""
    eights = numbers.long().unflatten(-1, (-1, 8))[..., list(order)]
    return (eights << (4 * torch.arange(8))).sum(-1).to(torch.int32)


def _packed(
    base: Path, folder: Path, settings: dict[str, Any], pack: Callable[[torch.Tensor], dict[str, torch.Tensor]]
) -> Made:
    shutil.copytree(base, folder, dirs_exist_ok=True)
    config = json.loads((base / "config.json").read_text()) | {"quantization_config": settings}
    (folder / "config.json").write_text(json.dumps(config))
    tensors: dict[str, torch.Tensor] = {}
    for name, weight in load_file(base / "model.safetensors").items():
        linear = name.endswith("_proj.weight")
        module = name.removesuffix(".weight")
        tensors |= {f"{module}.{part}": tensor for part, tensor in pack(weight).items()} if linear else {name: weight}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return Made({"path": str(folder)}, lambda: read(folder, device_map={"": "cpu"}), base)


def _bitsandbytes(bits: int) -> Any:
    from transformers import BitsAndBytesConfig

    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")


def _torchao() -> Any:
    from harness.engines.hf.quantise import config_of

    return config_of("int8")


EMBEDDED = {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens", "lm_head"], "new": 5}
FORMS = (
    Form("LoRA adapter", "peft", adapter()),
    Form("rank-stabilised LoRA adapter", "peft", adapter(use_rslora=True)),
    Form("DoRA adapter", "peft", adapter(use_dora=True)),
    Form("LoRA adapter with new tokens", "peft", adapter(**EMBEDDED)),
    Form("GGUF file", "gguf", gguf, "F32 (GGUF) in float32"),
    Form("bitsandbytes, 4 bit", "bitsandbytes", saved(lambda: _bitsandbytes(4)), "4 bit (bitsandbytes nf4) in float32"),
    Form("bitsandbytes, 8 bit", "bitsandbytes", saved(lambda: _bitsandbytes(8)), "int8 (bitsandbytes) in float32"),
    Form("torchao, int8", "torchao", saved(_torchao), "int8 (torchao) in float32"),
    Form("compressed-tensors, int8", "compressed-tensors", compressed, "int8 (compressed-tensors) in float32"),
    Form("FP8 in blocks", "accelerate", fp8, "fp8 (transformers), unpacked in float32"),
    Form("GPTQ, 4 bit", "gptqmodel", gptq, "4 bit (gptq) in float32"),
    Form("AWQ, 4 bit", "gptqmodel", awq, "4 bit (awq) in float32"),
    Form("--quantize int8", "torchao", rounded("int8"), "int8 (torchao) in float32"),
    Form("--quantize int4", "optimum-quanto", rounded("int4"), "int4 (quanto) in float32"),
)


@dataclass(frozen=True)
class Outcome:
    """What the harness answered and in which mode, and what plain transformers did."""

    texts: list[str]
    expected: list[str]
    level: str
    dtype: str | None
    notes: tuple[str, ...]


def outcome_of(form: Form, base: Path, folder: Path) -> Outcome:
    """Make the form, and ask both."""
    from engines.asking import PROMPTS, answers, ask

    from harness import plugins
    from harness.engines.base import ModelSpec

    folder.mkdir(parents=True, exist_ok=True)
    made = form.make(base, folder)
    spec = ModelSpec(**made.spec, device="cpu", dtype="float32", style="text")
    engine = plugins.load("engine", "local").build(spec, {})
    try:
        requests = [ask(str(number), text, max_tokens=NEW_TOKENS) for number, text in enumerate(PROMPTS)]
        replies = answers(engine, requests)
        facts = engine.facts()
    finally:
        engine.close()
    expected = _plainly(made.plain(), AutoTokenizer.from_pretrained(made.tokenizer), engine.end_ids, PROMPTS)
    texts = [replies[str(number)].text for number in range(len(PROMPTS))]
    return Outcome(texts, expected, str(facts.generation["level"]), facts.dtype, facts.notes)


def _plainly(model: Any, tokenizer: Any, end_ids: Any, prompts: list[str]) -> list[str]:
    texts = []
    for prompt in prompts:
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        with torch.no_grad():
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=NEW_TOKENS,
                do_sample=False,
                eos_token_id=list(end_ids),
                pad_token_id=0,
            )
        texts.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
    return texts


def installed(package: str) -> str | None:
    """The package's version; None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def table(base: Path, folder: Path) -> str:
    """Run every form that is installed here; return the rows."""
    lines = [
        "| form | package | device | precision in the records | execution mode | texts equal to plain transformers |",
        "|---|---|---|---|---|--:|",
    ]
    for number, form in enumerate(FORMS):
        if (found := installed(form.package)) is None:
            lines.append(f"| {form.name} | {form.package}, not installed | - | - | - | not run |")
            continue
        seen = outcome_of(form, base, folder / str(number))
        equal = sum(a == b for a, b in zip(seen.texts, seen.expected, strict=True))
        texts = f"{equal} of {len(seen.texts)}"
        lines.append(f"| {form.name} | {form.package} {found} | CPU | {seen.dtype} | {seen.level} | {texts} |")
    return "\n".join(lines)


def main() -> None:
    """Write the table between its marks in the docs."""
    page = Path(sys.argv[sys.argv.index("--out") + 1])
    with tempfile.TemporaryDirectory() as folder:
        rows = table(small_llama(Path(folder) / "base"), Path(folder))
    before, _, rest = page.read_text(encoding="utf-8").partition(MARK)
    after = rest.partition(MARK)[2]
    page.write_text(f"{before}{MARK}\n{rows}\n{MARK}{after}", encoding="utf-8")


def small_llama(folder: Path) -> Path:
    """A random Llama that is large enough for the blocks of each package."""
    from engines.tiny_tokenizer import make_tokenizer
    from transformers import AutoConfig

    tokenizer = make_tokenizer()
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    ids = {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
    wide = {"num_key_value_heads": 2, "max_position_embeddings": 128, "initializer_range": 0.4}
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("llama", **sizes, **ids, **wide, tie_word_embeddings=False)
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    main()
