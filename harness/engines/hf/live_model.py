"""A model that is in memory already, with its tokenizer: of a training loop, evaluated between two steps.

Guarantees: the weights are used where they are, in their own precision, and not copied; what identifies the model is a
digest of every tensor that a checkpoint of it would hold, so a step of training makes another model; config and
tokenizer have the digests that a saved folder has. Wrappers (`torch.compile`, `DataParallel`, adapters of peft) are
taken off, and what they compute is kept; a model that is spread over processes or devices is refused.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.engines.base import ModelSpec
from harness.engines.hf.model_files import ModelFiles
from harness.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from harness.config.schema import ModelPage
    from harness.engines.hf.checkpoint import Checkpoint
    from harness.engines.hf.hf_model import HFModel
    from harness.engines.hf.prompt_encoding import PromptEncoder

# Wrappers of torch that hold the whole model as `module`
WHOLE = ("DataParallel", "DistributedDataParallel")
BLOCK_BYTES = 2**26
NOT_SETTABLE = {
    "dtype": "auto",
    "device": "auto",
    "revision": None,
    "trust_remote_code": False,
    "adapter": None,
    "quantize": None,
}


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A causal language model and its tokenizer, without wrappers; `wrapped` is what was taken off, for a note."""

    name: str
    model: Any
    tokenizer: Any
    wrapped: str = ""

    def page(self) -> ModelPage:
        """What a run's config says of it."""
        from harness.config.schema import ModelPage

        return ModelPage(name=self.name, path="(in memory)")

    @property
    def device(self) -> str:
        """Where it is."""
        return str(next(self.model.parameters()).device)

    @property
    def dtype(self) -> str:
        """The precision of its weights. Raises ConfigError for one that the engines do not compute in."""
        from harness.engines.hf.device import ITEM_BYTES

        name = str(self.model.dtype).removeprefix("torch.")
        if name not in ITEM_BYTES:
            raise ConfigError(f"{self.name}: its weights are in {name}; choose one of {', '.join(ITEM_BYTES)}")
        return name


@dataclass(frozen=True, slots=True)
class LiveFiles(ModelFiles):
    """The small files of a model whose weights are in memory: none of weights."""

    sizes_in_memory: tuple[int, int] = (0, 0)

    def weight_names(self) -> list[str]:
        """No file holds them."""
        return []

    def weights_here(self) -> bool:
        """They are no files."""
        return False

    def weights_bytes(self) -> int | None:
        """What the parameters take."""
        return self.sizes_in_memory[1]

    def parameters(self) -> int | None:
        """How many numbers."""
        return self.sizes_in_memory[0]

    def tensors(self) -> dict[str, tuple[str, list[int]]]:
        """None in files."""
        return {}


def live_model(model: Any, tokenizer: Any, name: str | None) -> LiveModel:
    """Take wrappers off and check what is left. Raises ConfigError with one line."""
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    kind = type(model).__name__
    inner, wrapped = _unwrapped(model)
    if not isinstance(inner, PreTrainedModel):
        raise ConfigError(
            f"model: expected a name, a folder or a transformers model (found {kind}); save another kind of model in "
            "transformers' form first"
        )
    if not inner.can_generate() or getattr(inner.config, "is_encoder_decoder", False):
        raise ConfigError(f"model: {kind} is not a causal language model; choose one that is (...ForCausalLM)")
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        found = "none given" if tokenizer is None else f"found {type(tokenizer).__name__}"
        raise ConfigError(f"tokenizer: a model object needs its tokenizer from transformers ({found}): tokenizer=...")
    _refuse_spread(inner, kind)
    from harness.config.pages import label

    plain = name or Path(str(getattr(inner, "name_or_path", "") or inner.config.model_type)).name
    return LiveModel(label(plain), inner, tokenizer, wrapped)


def _unwrapped(model: Any) -> tuple[Any, str]:
    taken: list[str] = []
    while True:
        kind = type(model).__name__
        if kind == "OptimizedModule" and hasattr(model, "_orig_mod"):
            model = model._orig_mod
        elif kind in WHOLE and hasattr(model, "module"):
            model = model.module
        elif hasattr(model, "get_base_model") and hasattr(model, "peft_config"):
            _refuse_prompt_learning(model)
            model = model.get_base_model()
        else:
            return model, ", ".join(taken)
        taken.append(kind)


def _refuse_prompt_learning(model: Any) -> None:
    if getattr(model.active_peft_config, "is_prompt_learning", False):
        raise ConfigError(
            "model: an adapter that adds virtual tokens to the prompt (prompt, prefix or p-tuning) cannot be evaluated "
            "in memory; adapters of weights (LoRA and its like) can"
        )


def _refuse_spread(model: Any, kind: str) -> None:
    parameters = list(model.parameters())
    if not parameters:
        raise ConfigError(f"model: {kind} has no parameters")
    sharded = any(hasattr(one, "ds_id") or type(one).__name__ == "DTensor" for one in parameters)
    if sharded or any("FullyShardedDataParallel" in type(module).__name__ for module in model.modules()):
        raise ConfigError(f"model: the weights of {kind} are spread over processes; save it, and run the folder")
    devices = sorted({str(one.device) for one in parameters})
    if "meta" in devices:
        raise ConfigError(f"model: some weights of {kind} are not in memory (device meta); save it, and run the folder")
    if len(devices) > 1:
        raise ConfigError(f"model: the weights of {kind} are on {' and '.join(devices)}; put them on one device")


def live_checkpoint(live: LiveModel, folder: Path) -> Checkpoint:
    """Write config and tokenizer into `folder` as `save_pretrained` does; return them. Raises ConfigError."""
    from harness.engines.hf.checkpoint import BEYOND, Checkpoint, context_window, vocabulary_of

    model, tokenizer = live.model, live.tokenizer
    config = copy.deepcopy(model.config)
    config.architectures = [type(model).__name__]
    config.dtype = live.dtype
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if adapters := adapters_of(model):
        # What is switched on, and how strong it is, is in no tensor
        page = folder / "config.json"
        page.write_text(page.read_text(encoding="utf-8") + json.dumps(adapters), encoding="utf-8")
    vocabulary = vocabulary_of(config)
    if vocabulary is not None and tokenizer.vocab_size - vocabulary > vocabulary * BEYOND:
        raise ConfigError(
            f"{live.name}: its tokenizer has {tokenizer.vocab_size} tokens, the model's embedding {vocabulary} rows, "
            "so they do not belong together"
        )
    sizes = [(one.numel(), one.numel() * one.element_size()) for one in model.parameters()]
    names = frozenset(file.name for file in folder.iterdir())
    total = (sum(count for count, _ in sizes), sum(size for _, size in sizes))
    written = folder / "tokenizer_config.json"
    return Checkpoint(
        files=LiveFiles(live.name, folder, names, sizes_in_memory=total),
        config=model.config,
        tokenizer=tokenizer,
        generation=model.generation_config.to_diff_dict() if model.generation_config is not None else {},
        tokenizer_config=json.loads(written.read_text(encoding="utf-8")) if written.is_file() else {},
        trust_remote_code=False,
        context_window=context_window(model.config, tokenizer.model_max_length),
    )


def adapters_of(model: Any) -> list[Any]:
    """The adapters of peft in a model, as JSON: their settings, then the state of each layer with some; [] without any.

    A layer's state is its name, kind, active and merged adapters, strengths, and whether they are off: switching an
    adapter of any kind changes no tensor.
    """
    found: list[Any] = [
        [
            name,
            type(module).__name__,
            bool(module.disable_adapters),
            list(module.active_adapters),
            [str(one) for one in getattr(module, "merged_adapters", None) or ()],
            _plain_setting(getattr(module, "scaling", None)),
        ]
        for name, module in model.named_modules()
        if hasattr(module, "active_adapters") and _of_peft(module)
    ]
    settings = getattr(model, "peft_config", None) or {}
    return [_plain_setting({name: one.to_dict() for name, one in settings.items()}), *found] if found else []


def _of_peft(module: Any) -> bool:
    """Whether peft made it a layer with adapters; transformers' own models have methods of the same names."""
    return any(base.__module__.partition(".")[0] == "peft" for base in type(module).__mro__)


def _plain_setting(value: Any) -> Any:
    """A setting as JSON, sets and mappings in one order."""
    if isinstance(value, Mapping):
        return [[str(key), _plain_setting(one)] for key, one in sorted(value.items(), key=lambda item: str(item[0]))]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [_plain_setting(one) for one in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def refuse_settings(spec: ModelSpec) -> None:
    """Raise ConfigError for a setting of loading: the model is loaded."""
    for key, default in NOT_SETTABLE.items():
        if getattr(spec, key) != default:
            raise ConfigError(f"{key} cannot be set for a model in memory: it runs where and as it is; leave it out")


def tensors_digest(model: Any) -> str:
    """sha256 over name, kind, shape and content of each tensor that a checkpoint would hold; equal ones once."""
    named = sorted(model.state_dict(keep_vars=True).items())
    distinct: dict[tuple[Any, ...], Any] = {}
    keys = []
    for _, tensor in named:
        key = (tensor.data_ptr() or id(tensor), tensor.dtype, tuple(tensor.shape), tensor.stride())
        distinct.setdefault(key, tensor)
        keys.append(key)
    # Hashing lets other threads run
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="digest") as pool:
        found = dict(zip(distinct, pool.map(_content, distinct.values()), strict=True))
    digest = hashlib.sha256()
    for (name, tensor), key in zip(named, keys, strict=True):
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0{found[key]}\0".encode())
    return digest.hexdigest()


def _content(tensor: Any) -> str:
    digest = hashlib.sha256()
    for part in _plain(tensor):
        for block in _blocks(part):
            digest.update(block)
    return digest.hexdigest()


def _plain(tensor: Any) -> Iterator[Any]:
    """The tensor, or those that a packed one is made of."""
    import torch

    plain = tensor.detach()
    if type(plain) is not torch.Tensor and hasattr(plain, "__tensor_flatten__"):
        for name in plain.__tensor_flatten__()[0]:
            yield from _plain(getattr(plain, name))
        return
    yield plain


def _blocks(tensor: Any) -> Iterator[memoryview]:
    """The content in order, a few megabytes at a time: a tensor on a GPU is never copied whole."""
    import torch

    flat = tensor.contiguous().view(-1).view(torch.uint8) if tensor.numel() else tensor.new_empty(0, dtype=torch.uint8)
    for start in range(0, flat.numel(), BLOCK_BYTES):
        yield memoryview(flat[start : start + BLOCK_BYTES].cpu().numpy())


def take_over(live: LiveModel, encoder: PromptEncoder, end_ids: Sequence[int]) -> HFModel:
    """The model as engines use it. Raises ModelError if a weight is no number."""
    import torch

    from harness.engines.hf.hf_model import HFModel

    with torch.no_grad():
        for name, parameter in live.model.named_parameters():
            if parameter.is_floating_point() and parameter.numel():
                least, most = parameter.detach().aminmax()
                if not bool(torch.isfinite(least) & torch.isfinite(most)):
                    raise ModelError(f"{live.name}: {name} contains NaN or infinite values: it diverged")
    return HFModel(live.model, encoder, end_ids, live.device, borrowed=True)
