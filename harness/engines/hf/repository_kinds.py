"""What a repository or folder holds that is no checkpoint of transformers, in words, and what to do about it.

Guarantees: only names are looked at (and `adapter_config.json`, where it lies in the folder), so that nothing large is
downloaded to find out. Does not judge what the files hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

ADAPTER = "adapter_config.json"
SHARD = re.compile(r"(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)")
HALF_FETCHED = (".incomplete", ".part", ".partial", ".crdownload", ".aria2", ".tmp")
ORIGINAL = "choose the repository or folder with the original weights (safetensors)"
CONVERT = "convert them to safetensors, or choose a repository that has them"
# By the end of a file's name, or the whole name; the first that is there gives the words
FORMATS: tuple[tuple[str, str, str], ...] = (
    (".gguf", "it holds a GGUF file ({}) and no other weights", "name the file: MODEL:FILE.gguf"),
    ("model_index.json", "it is a diffusion pipeline ({})", "choose a causal language model"),
    (".onnx", "it holds weights for ONNX only ({})", ORIGINAL),
    ("openvino_model.bin", "it holds weights for OpenVINO only ({})", ORIGINAL),
    ("tf_model.h5", "it holds weights for TensorFlow only ({})", CONVERT),
    ("flax_model.msgpack", "it holds weights for Flax only ({})", CONVERT),
    (".npz", "it holds weights for MLX only ({})", ORIGINAL),
    (".nemo", "it holds weights for NeMo only ({})", CONVERT),
    ("consolidated.safetensors", "it holds weights in the maker's own layout ({})", CONVERT),
    (".pth", "it holds weights in the maker's own layout ({})", CONVERT),
)


def other_kind(names: Iterable[str], folder: Path | None = None) -> str | None:
    """What files without a config, or without weights, are; None where nothing is recognised."""
    names = sorted(names)
    if ADAPTER in names:
        return adapter(folder)
    for ending, words, remedy in FORMATS:
        if (found := next((name for name in names if name.endswith(ending)), None)) is not None:
            return f"{words.format(found)}; {remedy}"
    return None


def misnamed(names: Iterable[str]) -> str | None:
    """Why files beside a config are not taken for its weights; None where nothing is recognised."""
    names = sorted(names)
    for name in names:
        if name.endswith(HALF_FETCHED):
            return f"it holds a download that did not finish ({name}); fetch the checkpoint again"
    if shards := [name for name in names if SHARD.fullmatch(name)]:
        kind = "model.safetensors" if shards[0].endswith("safetensors") else "pytorch_model.bin"
        return f"it holds {shards[0]} but no {kind}.index.json, the list of its shards; copy it there too"
    other = next((name for name in names if name.endswith(".safetensors") and "/" not in name), None)
    return f"it holds {other}, and a checkpoint's weights are called model.safetensors; rename it" if other else None


def adapter(folder: Path | None) -> str:
    """What an adapter is, and of which model where its config lies in `folder`."""
    base = _base(folder / ADAPTER) if folder is not None else None
    of = f" of {base}" if base else ""
    return (
        f"it is an adapter (PEFT){of}, not a whole model, with a config.json beside it; name both: "
        "--model BASE --adapter PATH"
    )


def _base(file: Path) -> str | None:
    try:
        base = json.loads(file.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return base if isinstance(base, str) and base.isprintable() else None
