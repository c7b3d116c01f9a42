"""Reads a checkpoint's weights into its class, and refuses what does not fit together.

transformers itself leaves out tensors that its class does not use, and computes on with numbers that are none.
Guarantees: each parameter comes from the files, in the shape that the config gives it; no tensor of a layer that the
model has, and no layer, is left out without a word; every parameter is a finite number. Tensors of parts that a causal
language model does not have (such as a vision tower) are left out and noted.
"""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partialmethod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from transformers import AutoModelForCausalLM

from harness.engines.hf.adapters import applied
from harness.engines.hf.checkpoint import Checkpoint, stumbles
from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.lean_imports import lean_imports
from harness.engines.hf.memory import is_out_of_memory
from harness.engines.hf.model_files import ModelFiles, fetch_weights, one_line
from harness.engines.hf.placement import Placement, placed
from harness.engines.hf.precision import is_packed
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.quantise import config_of, outside_inference_mode
from harness.errors import EngineError, ModelError

# Buffers that older versions of transformers saved; today's classes compute them
BUFFERS = (".inv_freq", ".masked_bias", ".position_ids", ".rotary_emb.cos_cached", ".rotary_emb.sin_cached")
# Layers that predict several tokens ahead: most classes leave them out
AHEAD = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_layers")
COPY_AGAIN = "copy the checkpoint again"
# Weights of these kinds are packed or scaled numbers, which only a quantization_config explains
PACKED = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL"})
# How a model's rotary frequencies come from a range and numbers; the result has the range's shape and precision
OF_ANGLES = frozenset(
    getattr(torch.Tensor, name) for name in ("__truediv__", "div", "__rpow__", "reciprocal", "__rtruediv__", "clone")
)


def load_model(
    checkpoint: Checkpoint,
    encoder: PromptEncoder,
    end_ids: Sequence[int],
    device: str,
    dtype: str,
    placement: Placement | None = None,
) -> tuple[HFModel, tuple[str, ...]]:
    """Read the weights, onto `device` or as a placement says; return the model and notes.

    Raises HubError, ConfigError, ModelError or EngineError.
    """
    import safetensors

    files = checkpoint.files
    fetch_weights(files)
    if checkpoint.stored is None:
        _refuse_packed(files)
    try:
        with warnings.catch_warnings(), _WithoutNumbers(), lean_imports(), _silent_packages():
            # What matters of them is in the errors
            warnings.simplefilter("ignore")
            model, info = AutoModelForCausalLM.from_pretrained(
                files.folder,
                dtype=getattr(torch, dtype),
                trust_remote_code=checkpoint.trust_remote_code,
                local_files_only=not checkpoint.trust_remote_code,
                output_loading_info=True,
                **_of_packed(checkpoint, device),
                **(placement.arguments() if placement else {}),
            )
        outside_inference_mode(model)
        _refuse_missing(files, info["missing_keys"])
        notes = _left_out(files, model, info["unexpected_keys"])
        if files.adapter is not None:
            model, note = _with_adapter(checkpoint, model)
            notes = (*notes, note)
        if placement:
            notes = (*notes, placed(model))
        loaded = HFModel(model, encoder, end_ids, device, borrowed=placement is not None)
        _refuse_no_numbers(files, loaded.model, dtype)
        return loaded, notes
    except safetensors.SafetensorError as error:
        raise ModelError(f"{files.name}: its weights are damaged ({one_line(error)}); {COPY_AGAIN}") from None
    except pickle.UnpicklingError:
        raise ModelError(
            f"{files.name}: its weights (.bin) are damaged, or hold more than tensors, which could run code; choose "
            "a checkpoint in safetensors"
        ) from None
    except stumbles() as error:
        if is_out_of_memory(error):
            smaller = "--dtype bfloat16" if device == "cpu" else "--dtype bfloat16 or cpu"
            raise EngineError(f"{files.name}: does not fit into the memory of {device}; try {smaller}") from None
        if isinstance(error, OSError) or "PytorchStreamReader" in str(error):
            raise ModelError(f"{files.name}: its weights are damaged ({one_line(error)[:80]}); {COPY_AGAIN}") from None
        fault = _shape_fault(checkpoint, error) or f"config.json and weights do not make a model ({one_line(error)})"
        raise ModelError(f"{files.name}: {fault}") from None


class _WithoutNumbers(TorchFunctionMode):
    """For weights that have a shape and no numbers yet: draws and computes none, and counts on the CPU.

    torch does all three in Python, for which it imports symbolic mathematics.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init":
            start = args[0] if args else kwargs.get("tensor")
            if isinstance(start, torch.Tensor) and start.is_meta:
                return start
        if func is torch.arange and torch.device(kwargs.get("device") or "cpu").type == "meta":
            return func(*args, **{**kwargs, "device": "cpu"}).to("meta")
        if func in OF_ANGLES and _shape_alone(args):
            return torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")
        if func is torch.empty_like and kwargs.keys() <= {"device"} and _shape_alone(args):
            return torch.empty(args[0].shape, dtype=args[0].dtype, device=kwargs.get("device") or "meta")
        return func(*args, **kwargs)


def _shape_alone(args: Sequence[Any]) -> bool:
    """Whether the first is a tensor without numbers of a real type, and the others are numbers."""
    first, *others = args
    return (
        isinstance(first, torch.Tensor)
        and first.is_meta
        and first.is_floating_point()
        and first.is_contiguous()
        and all(isinstance(other, int | float) for other in others)
    )


@contextmanager
def _silent_packages() -> Iterator[None]:
    """Keep away bars and notices of packages that read quantised weights: transformers' switch does not reach them.

    gptqmodel writes its notices to stdout, which belongs to the results.
    """
    from tqdm.std import tqdm

    start = tqdm.__init__
    tqdm.__init__ = partialmethod(start, disable=True)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        tqdm.__init__ = start


def _of_packed(checkpoint: Checkpoint, device: str) -> dict[str, Any]:
    """What `from_pretrained` gets for weights that are quantised; these are put on the device as they are read."""
    if checkpoint.files.gguf is not None:
        from transformers import GgufConfig

        # On some devices transformers would fetch kernels from the hub and keep the blocks
        unpacked = GgufConfig(dequantize=True)
        return {"gguf_file": checkpoint.files.gguf, "quantization_config": unpacked, "device_map": {"": device}}
    if checkpoint.quantize is not None:
        return {"quantization_config": config_of(checkpoint.quantize), "device_map": {"": device}}
    return {} if checkpoint.stored is None else {"device_map": {"": device}}


def _with_adapter(checkpoint: Checkpoint, model: Any) -> tuple[Any, str]:
    """The model with its adapter, and a note that names both."""
    files, config = checkpoint.files, checkpoint.adapter
    assert files.adapter is not None and config is not None
    model, merged = applied(files.adapter, files.name, model, merge=checkpoint.packed is None, rows=checkpoint.rows)
    name, base = (f"{one.name}@{one.revision}" if one.revision else one.name for one in (files.adapter, files))
    rank = f", rank {config.rank}" if config.rank else ""
    how = "merged into" if merged else "applied, unmerged, to"
    return model, f"adapter {name} ({config.kind}{rank}) {how} {base}"


def _refuse_packed(files: ModelFiles) -> None:
    for name, (kind, _) in files.tensors().items():
        if kind in PACKED and name.endswith((".weight", ".qweight", ".weight_packed")):
            raise ModelError(
                f"{files.name}: {name} is stored as {kind}, so the weights are quantised, but config.json has no "
                "quantization_config with the method; choose a checkpoint with plain weights"
            )


def _refuse_missing(files: ModelFiles, keys: Sequence[str]) -> None:
    if keys:
        missing = sorted(keys)
        raise ModelError(
            f"{files.name}: the weights lack {missing[0]}{_more(missing)}, so config.json is another model's, or "
            f"the files are not whole; {COPY_AGAIN}"
        )


def _left_out(files: ModelFiles, model: Any, keys: Sequence[str]) -> tuple[str, ...]:
    """Refuse tensors that the model ought to use; note the others."""
    unused = sorted(key for key in keys if not key.endswith(BUFFERS))
    modules = dict(model.named_modules())
    ahead = max(int(getattr(model.config.get_text_config(), name, 0) or 0) for name in AHEAD)
    own = [key for key in unused if _is_own(key, modules, model.base_model_prefix, ahead)]
    if own:
        raise ModelError(
            f"{files.name}: the weights hold {own[0]}{_more(own)}, which the {type(model).__name__} of config.json "
            "does not use, so config.json is another model's (its layers or its model_type)"
        )
    if not unused:
        return ()
    return (f"left out, as the model has no part for it: {unused[0]}{_more(unused)}",)


def _is_own(key: str, modules: dict[str, Any], prefix: str, ahead: int) -> bool:
    """Whether a tensor belongs to a layer, or to a module, that the model has."""
    parts = key.split(".")
    for name in (parts, [prefix, *parts]):
        depth = next((d for d in range(len(name) - 1, 0, -1) if ".".join(name[:d]) in modules), 0)
        if not depth:
            continue
        module = modules[".".join(name[:depth])]
        if isinstance(module, torch.nn.ModuleList):
            # A layer beyond the last
            return not (name[depth].isdigit() and len(module) <= int(name[depth]) < len(module) + ahead)
        if any(part.isdigit() for part in name[:depth]):
            # In some classes a causal mask lies beside the attention's weights as its `bias`
            return not (name[depth:] == ["bias"] and "weight" not in dict(module.named_parameters(recurse=False)))
        if depth == len(name) - 1 and dict(module.named_parameters(recurse=False)):
            return True
    return False


def _refuse_no_numbers(files: ModelFiles, model: Any, dtype: str) -> None:
    for name, parameter in model.named_parameters():
        if is_packed(parameter) or parameter.dtype not in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
            continue
        if parameter.is_meta or not parameter.numel():
            continue
        least, most = (float(value) for value in parameter.detach().aminmax())
        if least == least and most == most and abs(least) != float("inf") and abs(most) != float("inf"):
            continue
        if least == least and dtype == "float16":
            raise ModelError(f"{files.name}: {name} holds numbers that are too large for float16; use --dtype float32")
        what = "infinite numbers" if least == least else "what is no number (NaN)"
        raise ModelError(f"{files.name}: the weights are damaged: {name} holds {what}; {COPY_AGAIN}")


def _shape_fault(checkpoint: Checkpoint, error: BaseException) -> str | None:
    """Name the first tensor whose shape is not the one that the config gives it, after loading failed for that."""
    from harness.engines.hf.meta_model import on_meta

    if "ignore_mismatched_sizes" not in str(error):
        return None
    try:
        wanted = {name: list(one.shape) for name, one in on_meta(checkpoint.config).named_parameters()}
    except EngineError:
        wanted = {}
    for name, (_, shape) in sorted(checkpoint.files.tensors().items()):
        if name in wanted and wanted[name] != shape:
            return (
                f"{name} has the shape {_shape(shape)} in the files and {_shape(wanted[name])} by config.json: one of "
                f"the two is another model's; {COPY_AGAIN}"
            )
    return f"tensors have other shapes than config.json gives them: one of the two is another model's; {COPY_AGAIN}"


def _shape(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
