"""PEFT adapters: small trained weights that are applied to a base model.

Guarantees: the base is the one that the adapter names, or that the user gives; an adapter whose tensors do not all fit
the base is refused before the base's weights are read (peft itself leaves such tensors out without a word); what can
be merged into plain weights is merged, so that the fast execution modes apply. On quantised weights an adapter runs
unmerged, since merging would round it. Does not train, and applies one adapter at a time.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engines.hf.installed import installed
from harness.engines.hf.model_files import ModelFiles, fetch_file, one_line
from harness.engines.hf.repository_kinds import ADAPTER
from harness.errors import ConfigError, ModelError

WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
# Virtual tokens in front of each prompt, or weights that depend on the prompt
NOT_HERE = frozenset(
    {
        *("PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "ADAPTION_PROMPT", "CPT"),
        *("XLORA", "POLY", "CARTRIDGE", "SHADOW"),
    }
)
COPIES = re.compile(r"\.(?:modules_to_save|original_module)(?=\.weight$)")
FAULTS = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, ImportError, OSError)


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """What `adapter_config.json` says; `base` and `base_revision` are None where it names none."""

    kind: str
    base: str | None
    base_revision: str | None
    rank: int | None


def read_adapter(files: ModelFiles) -> AdapterConfig:
    """Read and check an adapter's config; nothing else is needed. Raises ConfigError or ModelError with one line."""
    if ADAPTER not in files.names:
        raise ConfigError(f"{files.name}: no {ADAPTER} there, so it holds no PEFT adapter")
    try:
        raw = json.loads((files.folder / ADAPTER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{files.name}: {ADAPTER} cannot be read ({one_line(error)})") from None
    kind = raw.get("peft_type") if isinstance(raw, Mapping) else None
    if not isinstance(kind, str):
        raise ModelError(f"{files.name}: {ADAPTER} names no peft_type, so it holds no PEFT adapter")
    if kind.upper() in NOT_HERE or raw.get("alora_invocation_tokens"):
        raise ModelError(
            f"{files.name}: a {kind} adapter changes the prompt or depends on it, and no engine here runs that; "
            "choose an adapter of the weights (such as LoRA)"
        )
    if raw.get("task_type") not in (None, "CAUSAL_LM"):
        raise ModelError(f"{files.name}: its task_type is {raw['task_type']}, not CAUSAL_LM; choose another adapter")
    require_peft(files.name)
    base, revision, rank = raw.get("base_model_name_or_path"), raw.get("revision"), raw.get("r")
    return AdapterConfig(
        kind.upper(),
        base if isinstance(base, str) and base.isprintable() and base else None,
        revision if isinstance(revision, str) and revision else None,
        rank if isinstance(rank, int) else None,
    )


def require_peft(name: str) -> None:
    """Raise ModelError where the package that reads adapters is not installed."""
    if not installed("peft"):
        raise ModelError(f"{name}: is an adapter, and peft is not installed: pip install 'harness[adapters]'")


def base_of(files: ModelFiles, config: AdapterConfig) -> tuple[str, str | None]:
    """The base model's folder or hub id, and its revision. Raises ConfigError where none is named or it is not here.

    A folder is absolute: a relative one may have been found beside the adapter, where no message could say it so.
    """
    remedy = f"name it: --model BASE --adapter {files.name}"
    if config.base is None:
        raise ConfigError(f"{files.name}: {ADAPTER} names no base model; {remedy}")
    given = Path(config.base).expanduser()
    # A relative folder is relative to where training ran; the adapter often lies beside its base
    for folder in (given, files.folder / given, files.folder.resolve().parent / given):
        if folder.is_dir():
            return str(folder.resolve()), None
    if config.base.startswith((".", "/", "~")) or config.base.count("/") != 1:
        raise ConfigError(f"{files.name}: its base model {config.base} is no folder here; {remedy}")
    return config.base, config.base_revision


def weights_name(files: ModelFiles) -> str:
    """The file of the adapter's weights, brought into its folder. Raises ModelError or HubError."""
    name = next((name for name in WEIGHTS if name in files.names), None)
    if name is None:
        raise ModelError(f"{files.name}: has no {WEIGHTS[0]}, the adapter's weights; copy it there too")
    fetch_file(files, name)
    return name


def embedded_rows(files: ModelFiles) -> int | None:
    """Rows of an embedding that the adapter brings whole, as for new tokens; None where it brings none."""
    rows = [shape[0] for key, shape in _shapes(files).items() if key.endswith(EMBEDDINGS) and len(shape) == 2]
    return max(rows, default=None)


EMBEDDINGS = tuple(
    f".{module}{middle}.weight"
    for module in ("embed_tokens", "wte", "word_embeddings", "embed_in", "lm_head", "embed_out")
    for middle in ("", ".modules_to_save.default")
)


def _shapes(files: ModelFiles) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    name = weights_name(files)
    try:
        if name.endswith(".safetensors"):
            with safe_open(files.folder / name, "pt") as tensors:
                return {key: tuple(tensors.get_slice(key).get_shape()) for key in tensors.keys()}  # noqa: SIM118
        import torch

        weights = torch.load(files.folder / name, map_location="cpu", weights_only=True)
        return {key: tuple(tensor.shape) for key, tensor in weights.items()}
    except (SafetensorError, *FAULTS) as error:
        raise ModelError(f"{files.name}: {name} is damaged ({one_line(error)[:80]}); copy it again") from None


def refuse_misfit(files: ModelFiles, base: str, config: Any, *, trust_remote_code: bool) -> None:
    """Raise ModelError where the adapter's tensors do not all fit a model of `config`; no weights of it are needed."""
    from harness.engines.hf.meta_model import on_meta

    _inject(files, base, on_meta(config, trust_remote_code=trust_remote_code))


def applied(files: ModelFiles, base: str, model: Any, *, merge: bool, rows: int | None) -> tuple[Any, bool]:
    """Apply the adapter to the base model's weights; return the model, and whether they are merged.

    `rows`: what the embedding must have first. Raises ModelError.
    """
    shown = model.get_input_embeddings()
    if rows is not None and shown is not None and rows != shown.weight.shape[0]:
        model.resize_token_embeddings(rows, mean_resizing=False)
    quantizer = getattr(model, "hf_quantizer", None)
    wrapped = _inject(files, base, model)
    if merge:
        try:
            merged = wrapped.merge_and_unload(safe_merge=True)
        except NotImplementedError:
            merge = False
        except FAULTS as error:
            raise ModelError(f"{files.name}: cannot be merged into {base} ({one_line(error)})") from None
        else:
            _forget_peft(merged)
            return merged, True
    inner = wrapped.get_base_model()
    # What tells that the weights are packed, and must not be moved
    inner.hf_quantizer = quantizer
    return inner, False


def _forget_peft(model: Any) -> None:
    for name in ("peft_config", "_hf_peft_config_loaded"):
        if name in vars(model):
            delattr(model, name)


def _inject(files: ModelFiles, base: str, model: Any) -> Any:
    """The model with the adapter's layers in it. Raises ModelError where any tensor of the adapter has no place."""
    from peft import PeftConfig, PeftModel

    weights_name(files)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            settings = PeftConfig.from_pretrained(str(files.folder))
            settings.inference_mode = True
            wrapped = PeftModel(model, settings, low_cpu_mem_usage=True)
            found = wrapped.load_adapter(
                str(files.folder), "default", is_trainable=False, torch_device="cpu", low_cpu_mem_usage=True
            )
    except FAULTS as error:
        raise ModelError(f"{files.name}: the adapter does not fit {base} ({_fault(error)})") from None
    # An embedding that was trained is saved as it is, and with the layers around it
    shown = {*_shapes(files)}
    extra = [key for key in found.unexpected_keys if not COPIES.search(key) or COPIES.sub("", key) not in shown]
    for keys, words in ((extra, "holds {}, which {} has no place for"), (found.missing_keys, LACKS)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            what = words.format(f"{sorted(keys)[0]}{more}", base)
            raise ModelError(f"{files.name}: the adapter {what}: it is of another base model, or not whole")
    return wrapped.eval()


LACKS = "lacks {}, which its config has on {}"


def _fault(error: BaseException) -> str:
    """The first tensor that does not fit, of torch's list of all."""
    text = str(error)
    at = text.find("size mismatch for ")
    if at < 0:
        return one_line(error)
    name, _, rest = text[at + len("size mismatch for ") :].splitlines()[0].partition(": ")
    layer = name.removeprefix("base_model.model.").replace(".default.weight", "")
    sizes = re.findall(r"torch\.Size\(\[([\d, ]*)\]\)", rest)
    if len(sizes) != 2:
        return f"{layer}: {rest.rstrip('.')}"
    own, needed = (size.replace(", ", " x ") for size in sizes)
    return f"{layer} has {own} numbers, the model needs {needed}: it was made for another base model"
