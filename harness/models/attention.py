"""A model's attention by its config: its kind, and what a token adds to the cache of keys and values.

Computed from the settings' names alone, so it may be wrong for a class with unusual names: `cache_growth` measures the
same on a model that runs, and a report of one should compare it with the other. Guarantees: what no rule here covers is
`unknown`, never a guess at the likeliest kind. Elements are numbers, not bytes: times 2 in bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from harness.models.parameters import text_config

UNKNOWN = "unknown"
# How a layer of each name keeps what it read
FULL = frozenset(("full_attention", "attention", "global", "indexed_attention"))
WINDOWED = frozenset(("sliding_attention", "chunked_attention", "local", "reference_sliding_attention"))
STATES = frozenset(("linear_attention", "conv", "recurrent", "mamba", "mamba2"))
BOTH = {"hybrid": "full_attention", "hybrid_sliding": "sliding_attention"}
COMPRESSED = frozenset(("compressed_sparse_attention", "heavily_compressed_attention"))
NOTHING = frozenset(("moe", "mlp"))
# Classes without attention, which their configs do not state
WITHOUT_ATTENTION = {
    "falcon_mamba": "state space",
    "mamba": "state space",
    "mamba2": "state space",
    "rwkv": "linear",
    "xlstm": "linear",
}
STATE_SPACE_MARKS = ("ssm_state_size", "state_size", "mamba_d_state", "mamba_n_heads", "mamba_num_heads")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads")
KEY_VALUE_HEADS = ("num_key_value_heads", "num_kv_heads", "multi_query_group_num")
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "decoder_layers")
WIDTHS = ("hidden_size", "n_embd", "d_model")


@dataclass(frozen=True, slots=True)
class Kept:
    """What one layer keeps: `elements` of each token, for ever or (`window`) of the last so many tokens."""

    elements: Fraction
    window: int | None = None


@dataclass(frozen=True, slots=True)
class KVCache:
    """What all layers keep; states of a fixed size are not in it (`states`: so many layers have one)."""

    kept: tuple[Kept, ...]
    states: int = 0

    @property
    def per_token(self) -> Fraction:
        """Elements that each token adds for ever, once it is beyond all windows."""
        return sum((one.elements for one in self.kept if one.window is None), Fraction(0))

    @property
    def per_first_token(self) -> Fraction:
        """Elements that a token adds while no window is full."""
        return sum((one.elements for one in self.kept), Fraction(0))

    @property
    def longest_window(self) -> int:
        """Tokens after which every window is full; 0 without windows."""
        return max((one.window or 0 for one in self.kept), default=0)

    def elements(self, context: int) -> int:
        """Elements after `context` tokens of one row."""
        return ceil(sum((one.elements * min(context, one.window or context) for one in self.kept), Fraction(0)))


@dataclass(frozen=True, slots=True)
class Attention:
    """`kind`: MHA, GQA, MQA, MLA, compressed, linear, state space, hybrid or unknown; `detail` in words.

    `cache` is None where the config does not give it.
    """

    kind: str
    detail: str = ""
    cache: KVCache | None = None


def layer_count(config: Any) -> int | None:
    """Layers of the language model, None if the config names no number that we know."""
    return _first(text_config(config), LAYERS)


def attention_of(config: Any) -> Attention:
    """Read a config. Sources of the kinds: Shazeer 2019 (MQA), Ainslie et al. 2023 (GQA), DeepSeek-V2 2024 (MLA)."""
    config = text_config(config)
    layers = layer_count(config)
    if (kind := WITHOUT_ATTENTION.get(config.model_type)) and layers:
        return Attention(kind, "no attention: a state of fixed size in each layer", KVCache((), layers))
    types = layer_types(config, layers)
    if types is None:
        return Attention(UNKNOWN)
    names = set(types) - NOTHING
    if unknown := names - FULL - WINDOWED - STATES - COMPRESSED - set(BOTH):
        return Attention(UNKNOWN, f"layers of a kind that is not known here: {', '.join(sorted(unknown))}")
    own = _layers(config, types)
    if not names - STATES:
        return Attention(_kind_of_states(config, types), _counts(types), _cache(own, types))
    readers = [one for one, name in zip(own, types, strict=True) if name not in NOTHING | STATES]
    if not all(_first(one, HEADS) for one in readers):
        return Attention(UNKNOWN)
    kind, detail = _kind_of_heads(readers)
    if names & COMPRESSED:
        kind, detail = "compressed", f"{_counts(types)}; {detail}"
    elif names & (STATES | set(BOTH)):
        kind, detail = "hybrid", f"{_counts(types)}; {_kind_of_states(config, types)} and {kind}: {detail}"
    elif names & WINDOWED:
        detail += f"; {_counts(types)}"
    elif "indexed_attention" in names:
        detail += "; an indexer chooses which tokens are read"
    try:
        return Attention(kind, detail, _cache(own, types))
    except (AttributeError, TypeError, ValueError, ZeroDivisionError):
        return Attention(kind, detail)


def layer_types(config: Any, layers: int | None) -> tuple[str, ...] | None:
    """What each layer is, by the config's own list or by its window; None without a number of layers."""
    if not layers:
        return None
    for name in ("layer_types", "layers_block_type", "block_types"):
        listed = getattr(config, name, None)
        if isinstance(listed, Sequence) and not isinstance(listed, str) and len(listed) == layers:
            return tuple(str(one) for one in listed)
    windowed = getattr(config, "sliding_window", None) and getattr(config, "use_sliding_window", True)
    if windowed or getattr(config, "attention_chunk_size", None):
        return ("sliding_attention",) * layers
    return ("full_attention",) * layers


def _layers(config: Any, types: Sequence[str]) -> list[Any]:
    """The settings of each layer: a config may hold some that differ from layer to layer."""
    own = getattr(config, "per_layer_config", None)
    return [own[at] for at in range(len(types))] if own else [config] * len(types)


def _kind_of_heads(layers: Sequence[Any]) -> tuple[str, str]:
    config = layers[0]
    pairs = {(heads := _first(one, HEADS) or 0, key_value_heads(one, heads)) for one in layers}
    if getattr(config, "kv_lora_rank", None):
        rank, turned = config.kv_lora_rank, getattr(config, "qk_rope_head_dim", 0)
        return (
            "MLA",
            f"{_listed(heads for heads, _ in pairs)} heads read one latent of {rank} + {turned} numbers a token",
        )
    if all(heads == shared for heads, shared in pairs):
        return "MHA", f"{_listed(heads for heads, _ in pairs)} heads, each with its own keys and values"
    if all(shared == 1 for _, shared in pairs):
        return "MQA", f"{_listed(heads for heads, _ in pairs)} heads share one key-value head"
    detail = (
        f"{_listed(heads for heads, _ in pairs)} heads share {_listed(shared for _, shared in pairs)} key-value heads"
    )
    return "GQA", detail + (", by layer" if len(pairs) > 1 else "")


def _listed(numbers: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(set(numbers))))


def key_value_heads(config: Any, heads: int) -> int:
    """Key-value heads under the names that configs have for them; as many as heads where none is named."""
    inner = getattr(config, "attn_config", None)
    if inner is not None and (kept := _value(inner, "kv_n_heads")):
        return int(kept)
    one = getattr(config, "multi_query", None)
    if one and not getattr(config, "new_decoder_architecture", False):
        return 1
    return _first(config, KEY_VALUE_HEADS) or heads


def _kind_of_states(config: Any, types: Sequence[str]) -> str:
    if "conv" in types:
        return "convolution"
    return "state space" if any(getattr(config, name, None) for name in STATE_SPACE_MARKS) else "linear"


def _counts(types: Sequence[str]) -> str:
    """`2 sliding, 21 compressed sparse and 20 heavily compressed layers`."""
    parts = (
        f"{types.count(kind)} {kind.removesuffix('_attention').replace('_', ' ')}" for kind in dict.fromkeys(types)
    )
    *first, last = parts
    return f"{', '.join(first)} and {last} layers" if first else f"{last} layers"


def _cache(layers: Sequence[Any], types: Sequence[str]) -> KVCache:
    kept: list[Kept] = []
    reuse = getattr(layers[0], "kv_sharing_modes", None) or ()
    for at, (config, layer) in enumerate(zip(layers, types, strict=True)):
        if layer in NOTHING | STATES or (at < len(reuse) and reuse[at] == "reuse"):
            continue
        name = BOTH.get(layer, layer)
        if config.model_type == "deepseek_v4":
            # One head, whose keys are its values too; each layer reads its last tokens uncompressed
            kept.append(Kept(Fraction(config.head_dim), int(config.sliding_window)))
            if name in COMPRESSED:
                index = config.index_head_dim if name == "compressed_sparse_attention" else 0
                kept.append(Kept(Fraction(config.head_dim + index, config.compress_rates[name])))
            continue
        window = None
        if name in WINDOWED:
            chunk = getattr(config, "attention_chunk_size", None)
            window = int(chunk if name == "chunked_attention" and chunk else config.sliding_window)
        kept.append(Kept(Fraction(_width(config, name)), window))
    return KVCache(tuple(kept), sum(name in STATES or name in BOTH for name in types))


def _width(config: Any, name: str) -> int:
    """Elements that one layer keeps of a token."""
    heads = _first(config, HEADS) or 0
    indexer = getattr(config, "index_head_dim", None) if _has_indexer(config, name) else 0
    if getattr(config, "kv_lora_rank", None):
        return int(config.kv_lora_rank + config.qk_rope_head_dim + (indexer or 0))
    head = getattr(config, "head_dim", None) or getattr(config, "d_kv", None)
    head = head or (_first(config, WIDTHS) or 0) // heads
    return int(key_value_heads(config, heads) * (head + (getattr(config, "v_head_dim", None) or head)) + (indexer or 0))


def _has_indexer(config: Any, name: str) -> bool:
    listed = getattr(config, "layer_types", None)
    return name == "indexed_attention" or (not listed and bool(getattr(config, "index_topk", None)))


def _first(config: Any, names: Sequence[str]) -> int | None:
    return next((value for name in names if isinstance(value := getattr(config, name, None), int) and value > 0), None)


def _value(section: Any, name: str) -> Any:
    return section.get(name) if isinstance(section, Mapping) else getattr(section, name, None)
