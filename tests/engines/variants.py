"""Settings that checkpoints have beside a type's default, where they change what a class computes."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PretrainedConfig

from harness.engines.hf.tiny_model import tiny_config

LONG = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0 + at / 100 for at in range(48)],
    "long_factor": [2.0 + at for at in range(48)],
    "original_max_position_embeddings": 4096,
}
PHI3_LONG = {"max_position_embeddings": 131072, "original_max_position_embeddings": 4096, "rope_parameters": LONG}
# Settings that checkpoints of a type have beside its default: the type, its config, and what is set in the twin
VARIANTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "deepseek_v2 (groups)": (
        "deepseek_v2",
        {"topk_method": "group_limited_greedy", "n_group": 8, "topk_group": 3, "num_experts_per_tok": 6},
        {},
    ),
    "doge (experts)": ("doge", {"is_moe": True}, {}),
    "falcon (alibi)": ("falcon", {"alibi": True, "multi_query": False, "bias": True}, {}),
    "falcon (grouped heads)": (
        "falcon",
        {"new_decoder_architecture": True, "num_kv_heads": 8, "num_attention_heads": 64, "hidden_size": 4096},
        {},
    ),
    "gemma4_text (experts)": (
        "gemma4_text",
        {"enable_moe_block": True, "num_experts": 128, "top_k_experts": 8, "moe_intermediate_size": 704},
        {},
    ),
    "gemma4_text (keys are values)": (
        "gemma4_text",
        {"attention_k_eq_v": True, "num_global_key_value_heads": 4, "num_attention_heads": 32},
        {},
    ),
    "granitemoehybrid (rotary)": (
        "granitemoehybrid",
        {"layer_types": ["linear_attention", "full_attention"] * 16, "position_embedding_type": "rope"},
        {},
    ),
    "opt (projected)": ("opt", {"do_layer_norm_before": False, "word_embed_proj_dim": 512, "hidden_size": 1024}, {}),
    "phi3 (longrope)": ("phi3", PHI3_LONG, {}),
    # Prompts on both sides of the length where all positions turn otherwise, and some that cross it
    "phi3 (longrope crossed)": ("phi3", PHI3_LONG, {"original_max_position_embeddings": 64}),
    "qwen2 (window)": ("qwen2", {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 16}, {}),
}


def twin_config(name: str, vocab_size: int) -> PretrainedConfig:
    """The small config of a model type or of a variant. Raises ConfigError where there is none."""
    if name not in VARIANTS:
        return tiny_config(name, vocab_size)
    model_type, given, afterwards = VARIANTS[name]
    config = tiny_config(AutoConfig.for_model(model_type, **given), vocab_size)
    for setting, value in afterwards.items():
        setattr(config, setting, value)
        if setting in (config.rope_parameters or {}):
            config.rope_parameters[setting] = value
    return config
