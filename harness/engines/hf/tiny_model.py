"""A tiny model of a given class: the same class and the same kinds of layers, a few ten thousand random weights.

A tiny model shows nothing of what a model knows. It shows whether an engine computes what the model's own code
computes, in seconds and without a download. Sizes shrink by the names of a config's settings, so that an
unknown class shrinks like the others; each exception gives its reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from harness.engines.hf.model_files import one_line
from harness.engines.hf.tiny_model_sizes import (
    BOS,
    CARE,
    EOS,
    FEATURES,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    INDEX_LISTS,
    KEY_VALUE_HEADS,
    LAYER_COUNTS,
    LEAST_LAYERS,
    MOST_LAYERS,
    NO_TEXT,
    OTHER_SPECIAL,
    PAD,
    POSITIONS,
    SIZES,
    SPREAD,
    SPREADS,
    VOCABULARIES,
    WIDE_HEAD_DIM,
)
from harness.errors import ConfigError


def tiny_config(model: str | PretrainedConfig, vocab_size: int = 400) -> PretrainedConfig:
    """Shrink a config, or the default one of a model type, to a model of a few ten thousand parameters.

    Guaranteed: the same class; each kind of layer once in the order they had (eight kinds at most, two layers at
    least); shared key-value heads stay shared, windows are 16 tokens, positions reach 512; beginning, end and
    padding are the tokens 0, 1 and 2; nothing is quantized. A type's default config gets what its checkpoints have
    and it lacks. Raises ConfigError if the class has no such config, or is no language model.
    """
    try:
        config = _default_config(model) if isinstance(model, str) else model
        return type(config).from_dict(_shrunk(config.to_dict(), vocab_size, by_name=isinstance(model, str)))
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        name = model if isinstance(model, str) else model.model_type
        raise ConfigError(f"{name}: no small config ({one_line(error)})") from None


def tiny_model(config: PretrainedConfig, seed: int = 0) -> PreTrainedModel:
    """Build the causal language model of a config in float32, its weights drawn wide from `seed` alone.

    Guaranteed: the same weights for the same seed, no constant bias or norm, the program's own random numbers
    left alone. Raises ConfigError if the class cannot be built, with the class's own words.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
            _spread(model)
    except (StrictDataclassError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError) as error:
        raise ConfigError(f"{config.model_type}: cannot be built ({one_line(error)})") from None
    return model.eval()


def causal_model_types() -> tuple[str, ...]:
    """List every model type that transformers has a causal language model for."""
    return tuple(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def _default_config(model_type: str) -> PretrainedConfig:
    if model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ValueError("transformers has no causal language model of this type")
    if model_type in NO_TEXT:
        raise ValueError(NO_TEXT[model_type])
    return AutoConfig.for_model(model_type)


def _shrunk(old: Mapping[str, Any], vocab_size: int, *, by_name: bool) -> dict[str, Any]:
    """Shrink one config, and those inside it."""
    kind = str(old.get("model_type", ""))
    if by_name:
        old = _as_checkpoints_are(old, kind)
    new = {name: min(value, SIZES[name]) if _is_size(name, value) else value for name, value in old.items()}
    _heads(old, new)
    _layers(old, new)
    _rope(old, new)
    _tokens(new, vocab_size)
    new.pop("quantization_config", None)
    for name in SPREADS:
        if name in new:
            new[name] = SPREAD
    for name, value in old.items():
        if isinstance(value, Mapping) and "model_type" in value:
            new[name] = _shrunk(value, vocab_size, by_name=by_name)
    return {**new, **CARE.get(kind, {})}


def _as_checkpoints_are(old: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Lay over a default config what it leaves out: shared key-value heads, decoding, a class's own features."""
    new = {**old, **FEATURES.get(kind, {})}
    heads, name = new.get("num_attention_heads"), "num_key_value_heads"
    if heads and name in new and new[name] in (None, heads) and "kv_lora_rank" not in new:
        new[name] = max(1, heads // 2)
    if "is_decoder" in new and not new.get("is_encoder_decoder"):
        new["is_decoder"] = True
    return new


def _is_size(name: str, value: Any) -> bool:
    return name in SIZES and isinstance(value, int | float) and not isinstance(value, bool)


def _heads(old: Mapping[str, Any], new: dict[str, Any]) -> None:
    """Keep what heads are to each other: shared or not, wider than the model or not, the parts of MLA."""
    heads = next((old[name] for name in ("num_attention_heads", "n_head", "n_heads") if old.get(name)), 0)
    for name, of in KEY_VALUE_HEADS.items():
        if isinstance(old.get(name), int):
            all_heads = old.get(of, heads)
            new[name] = HEADS if old[name] == all_heads else 1 if old[name] == 1 else HEADS // 2
    hidden, head_dim, rope = old.get("hidden_size") or 0, old.get("head_dim"), old.get("qk_rope_head_dim")
    if head_dim:
        narrow = head_dim in (rope, old.get("qk_nope_head_dim")) or head_dim * heads == hidden
        new["head_dim"] = HEAD_DIM if narrow else WIDE_HEAD_DIM
    for name in ("global_head_dim", "swa_head_dim"):
        if old.get(name):
            new[name] = new["head_dim"] * (1 if old[name] == head_dim else 2)
    if old.get("qk_head_dim") and rope:
        new["qk_head_dim"] = new["qk_nope_head_dim"] + new["qk_rope_head_dim"]
    if old.get("num_attention_heads_per_layer"):
        least = min(old["num_attention_heads_per_layer"])
        new["num_attention_heads_per_layer"] = [
            HEADS if one == least else 2 * HEADS for one in old["num_attention_heads_per_layer"]
        ]
    if old.get("linear_num_key_heads") == old.get("linear_num_value_heads") and "linear_num_key_heads" in old:
        new["linear_num_value_heads"] = new["linear_num_key_heads"]
    if old.get("attention_hidden_size"):
        new["attention_hidden_size"] = HIDDEN if old["attention_hidden_size"] == hidden else 2 * HIDDEN
    if old.get("attention_head_dim"):
        new["attention_head_dim"] = 2 * HIDDEN // HEADS
    if old.get("mamba_headdim"):
        new["mamba_headdim"] = int(old["mamba_expand"] * HIDDEN) // new["n_mamba_heads"]


def _layers(old: Mapping[str, Any], new: dict[str, Any]) -> None:
    """Keep the first layer of each kind. A kind is the combination of all lists at a layer."""
    counts = [name for name in LAYER_COUNTS if isinstance(old.get(name), int)]
    if not counts:
        return
    total = old[counts[0]]
    indexed = {name: frozenset(old[name]) for name in INDEX_LISTS if isinstance(old.get(name), Sequence)}
    listed = {
        name: value
        for name, value in old.items()
        if isinstance(value, list | tuple) and len(value) == total and name not in INDEX_LISTS and _per_layer(name)
    }
    own = {int(at): dict(values) for at, values in (old.get("per_layer_config") or {}).items()}
    shared = old.get("num_kv_shared_layers") or 0
    kinds = [
        (
            *(value[at] if isinstance(value[at], str | bool) else str(value[at]) for value in listed.values()),
            *(at in layers for layers in indexed.values()),
            at >= total - shared,
            repr(own.get(at)),
        )
        for at in range(total)
    ]
    kept = [at for at, kind in enumerate(kinds) if kind not in kinds[:at]][:MOST_LAYERS]
    if not listed and not indexed and not own:
        kept = list(range(min(total, 2 * LEAST_LAYERS if _has_periods(old) else LEAST_LAYERS)))
    at = 0
    while len(kept) < min(LEAST_LAYERS, total):
        kept = sorted({*kept, at})
        at += 1
    for name in counts:
        new[name] = len(kept)
    for name, value in listed.items():
        new[name] = [min(value[at], SIZES[name]) if _is_size(name, value[at]) else new[name][at] for at in kept]
    for name, layers in indexed.items():
        new[name] = [place for place, at in enumerate(kept) if at in layers]
    if own:
        new["per_layer_config"] = {
            place: {name: _in_proportion(value, old.get(name), new.get(name)) for name, value in own[at].items()}
            for place, at in enumerate(kept)
            if at in own
        }
    if shared:
        new["num_kv_shared_layers"] = sum(at >= total - shared for at in kept)


def _in_proportion(value: Any, old: Any, new: Any) -> Any:
    """Shrink what one layer has of its own as the setting of all layers shrank."""
    if isinstance(value, bool) or not all(isinstance(one, int) and one for one in (value, old, new)):
        return value
    return max(1, round(new * value / old))


def _per_layer(name: str) -> bool:
    return any(part in name for part in ("layer", "type", "pattern", "size", "indices"))


def _has_periods(old: Mapping[str, Any]) -> bool:
    """Whether layers differ by counting: every so many layers, something else."""
    words = ("_period", "_interval", "_step", "_every_n_layers", "_pattern", "group_size")
    return any(name.endswith(words) and isinstance(value, int) and value > 1 for name, value in old.items())


def _rope(old: Mapping[str, Any], new: dict[str, Any]) -> None:
    """Keep rotary settings valid: an even number of turned dimensions, factors for each, positions in proportion."""
    positions = old.get("max_position_embeddings") or POSITIONS
    head_dim = new.get("qk_rope_head_dim") or new.get("head_dim") or HIDDEN // HEADS

    def shrink(rope: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: shrink(value) if isinstance(value, Mapping) else value for name, value in rope.items()
        }
        turned = head_dim
        if found.get("partial_rotary_factor"):
            turned = min(head_dim, max(2, 2 * round(found["partial_rotary_factor"] * head_dim / 2)))
            found["partial_rotary_factor"] = turned / head_dim
        for name in ("short_factor", "long_factor"):
            if found.get(name):
                found[name] = [*found[name]][: turned // 2]
        if found.get("mrope_section"):
            first = math.ceil(turned / 4)
            found["mrope_section"] = [first, turned // 2 - first, 0]
        if found.get("original_max_position_embeddings"):
            share = found["original_max_position_embeddings"] / positions
            found["original_max_position_embeddings"] = min(POSITIONS, max(POSITIONS // 2, round(POSITIONS * share)))
        if found.get("max_position_embeddings"):
            found["max_position_embeddings"] = POSITIONS
        return found

    top = {name: old[name] for name in ("partial_rotary_factor", "original_max_position_embeddings") if name in old}
    new.update(shrink(top))
    for name in ("rope_parameters", "rope_scaling"):
        if isinstance(old.get(name), Mapping):
            new[name] = shrink(old[name])


def _tokens(new: dict[str, Any], vocab_size: int) -> None:
    known = {"bos_token_id": BOS, "eos_token_id": EOS, "pad_token_id": PAD, "decoder_start_token_id": BOS}
    for name, value in new.items():
        if name in known:
            new[name] = known[name]
        elif name.startswith("forced_") and name.endswith("_token_id"):
            new[name] = None
        elif name.endswith(("_token_id", "_token_index")) and isinstance(value, int):
            new[name] = OTHER_SPECIAL
        elif name in VOCABULARIES and value:
            new[name] = vocab_size


def _spread(model: PreTrainedModel) -> None:
    """Draw wide what the class draws narrow, and let no bias or norm be the constant it starts as.

    An engine that forgets a bias of zeros is right by accident.
    """
    with torch.no_grad():
        shown, head = model.get_input_embeddings(), model.get_output_embeddings()
        # Where one matrix reads and writes tokens, layers must outweigh it: else the token just read comes next
        tied = shown is not None and getattr(head, "weight", None) is shown.weight
        for name, parameter in model.named_parameters():
            matrix = parameter.ndim >= 2 and (name.endswith("weight") or "expert" in name)
            if parameter.numel() < 2 or not parameter.is_floating_point():
                continue
            deviation = float(parameter.std())
            if matrix and 0 < deviation < SPREAD / 2:
                parameter.mul_(SPREAD / deviation)
            elif parameter.ndim == 1 and deviation == 0:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            if tied and parameter is shown.weight:
                parameter.mul_(SPREAD / float(getattr(shown, "embed_scale", 1.0)))
            elif tied and matrix and "embed" not in name:
                parameter.mul_(2)
