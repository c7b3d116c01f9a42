"""How small each setting of a config becomes in a tiny model, by its name, and the classes that need more than that."""

from __future__ import annotations

from typing import Any

HIDDEN, HEADS, HEAD_DIM, WIDE_HEAD_DIM, WINDOW, POSITIONS = 32, 4, 8, 16, 16, 512
LEAST_LAYERS, MOST_LAYERS = 2, 8
# Wide enough that random logits differ: rounding must not tip a greedy choice
SPREAD = 0.35
BOS, EOS, PAD, OTHER_SPECIAL = 0, 1, 2, 3

# What a setting of this name is at most
_SIZES: tuple[tuple[int, str], ...] = (
    (HIDDEN, "hidden_size d_model n_embd embedding_dim emb_dim embedding_size input_embedding_size lru_width"),
    (HIDDEN, "output_embedding_size word_embed_proj_dim out_hidden_size moe_intermediate_size dim_model_base"),
    (HIDDEN, "shared_expert_intermediate_size expert_ffn_hidden_size shared_experts_intermediate_size"),
    (HIDDEN, "moe_shared_expert_intermediate_size shared_intermediate_size cross_attention_hidden_size"),
    (HIDDEN, "adapter_in_dim adapter_out_dim adapter_input_size ple_embed_dim prompt_mid_dim"),
    (HIDDEN, "pronunciation_embed_dim shape_embed_dim"),
    (2 * HIDDEN, "intermediate_size ffn_dim ffn_hidden_size n_inner d_inner dff dim_ff encoder_ffn_dim"),
    (2 * HIDDEN, "decoder_ffn_dim feed_forward_size dense_intermediate_size intermediate_size_mlp mamba_d_ssm"),
    (2 * HIDDEN, "prefix_dense_intermediate_size"),
    (HEADS, "num_attention_heads n_head n_heads num_heads attention_heads encoder_attention_heads"),
    (HEADS, "decoder_attention_heads swa_num_attention_heads num_encoder_attention_heads"),
    (HEADS, "num_decoder_attention_heads indexer_n_heads linear_num_heads linear_num_value_heads num_query_groups"),
    (HEADS, "num_experts num_local_experts n_routed_experts moe_num_experts"),
    (HEAD_DIM, "d_head dim_head attention_head_size kv_channels linear_head_dim linear_key_head_dim rotary_dim"),
    (HEAD_DIM, "linear_value_head_dim index_head_dim qk_rope_head_dim qk_nope_head_dim v_head_dim d_rel"),
    (HEAD_DIM, "state_size ssm_state_size mamba_d_state mamba_d_head mamba_head_dim mamba_n_heads"),
    (HEAD_DIM, "mamba_num_heads n_mamba_heads hidden_size_per_layer_input"),
    (16, "q_lora_rank kv_lora_rank o_lora_rank adapter_rank laurel_rank gated_norm_rank hc_lowrank indexer_head_dim"),
    (16, "router_hidden_size moe_latent_size chunk_size mamba_chunk_size index_block_size index_topk rel_extent"),
    (16, "indexer_budget index_n_heads floor_scale"),
    (WINDOW, "sliding_window sliding_window_size window_size attention_window_size attention_chunk_size"),
    (WINDOW, "local_attention keep_window_size query_pre_attn_scalar"),
    (POSITIONS, "max_position_embeddings n_positions n_ctx max_seq_len context_length model_max_length"),
    (POSITIONS, "max_source_positions max_target_positions"),
    (256, "ngram_vocab_size_base encoder_hash_byte_group_vocab pronunciation_vocab_size shape_vocab_size"),
    (32, "image_size num_mel_bins"),
    (LEAST_LAYERS, "num_hidden_layers n_layer n_layers num_layers num_blocks decoder_layers encoder_layers"),
    (LEAST_LAYERS, "num_encoder_layers num_decoder_layers depth num_layers_per_stack"),
    (2, "num_experts_per_tok num_experts_per_token moe_topk moe_k top_k_experts n_group num_expert_group"),
    (2, "zero_expert_num n_groups mamba_n_groups time_step_rank mamba_dt_rank linear_num_key_heads"),
    (2, "index_topk_blocks attn_layer_period decoder_sparse_step interleave_moe_layer_step o_groups"),
    (2, "no_rope_layer_interval expert_layer_period global_attn_every_n_layers sliding_window_pattern"),
    (2, "layer_group_size moe_layer_interval num_codebooks num_hash_layers n_layers_per_attn_res_block"),
    (2, "heads_per_ngram split_ngram_parts"),
    (1, "topk_group n_shared_experts num_shared_experts moe_num_shared_experts first_k_dense_replace"),
    (1, "num_dense_layers moe_layer_start_index attn_layer_offset expert_layer_offset prompt_length"),
)
SIZES = {name: size for size, names in _SIZES for name in names.split()}
LAYER_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_blocks", "decoder_layers")
# Lists of the layers that have something; all other lists as long as the model has layers hold a value for each
INDEX_LISTS = frozenset(
    (
        "attn_layer_indices",
        "cross_attention_layers",
        "full_attn_idxs",
        "hybrid_layer_ids",
        "local_layer_ids",
        "mlp_only_layers",
        "moe_layers",
        "ple_layer_ids",
    )
)
# Key-value heads beside the heads that share them
KEY_VALUE_HEADS = {
    "num_key_value_heads": "num_attention_heads",
    "num_global_key_value_heads": "num_attention_heads",
    "swa_num_key_value_heads": "swa_num_attention_heads",
    "num_kv_heads": "num_attention_heads",
    "kv_n_heads": "",
}
VOCABULARIES = frozenset(("vocab_size", "decoder_vocab_size", "vocab_size_per_layer_input", "unpadded_vocab_size"))
SPREADS = ("initializer_range", "init_std", "embedding_initializer_range", "embed_init_std")

# What checkpoints of a class have and its default config lacks; not laid over a config that is given
FEATURES: dict[str, dict[str, Any]] = {
    "bamba": {"attn_layer_indices": [9, 18, 27]},
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 20,
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "default", "rope_theta": 500000.0},
        },
    },
    "dbrx": {"attn_config": {"model_type": "", "kv_n_heads": 8, "clip_qkv": 8.0, "rope_theta": 500000.0}},
    "deepseek_v2": {"num_experts_per_tok": 6, "first_k_dense_replace": 1},
    "dots1": {"n_routed_experts": 128, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "n_shared_experts": 2},
    "gemma4_text": {"num_kv_shared_layers": 12},
    "granitemoehybrid": {"layer_types": ["linear_attention", "full_attention"] * 16},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128, "moe_topk": 2, "num_experts": 8},
    "laguna": {
        "layer_types": ["full_attention", "sliding_attention"] * 20,
        "num_attention_heads_per_layer": [48, 64] * 20,
    },
    "lfm2": {"layer_types": ["conv", "full_attention"] * 16},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 16},
    "minimax_m3_vl_text": {"layer_types": ["full_attention", "indexed_attention"] * 30},
    "mellum": {"layer_types": ["full_attention", "sliding_attention"] * 14, "sliding_window": 1024},
    "ministral": {"head_dim": 128, "layer_types": ["full_attention", "sliding_attention"] * 16},
    "nemotron": {"num_key_value_heads": 8},
    "phi3": {"sliding_window": 2047},
    "qwen4_exp_text": {
        "indexer_n_heads": 4,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 128,
        "indexer_budget": 2048,
        "indexer_compress_ratio": 4,
        "ple_layer_ids": [1],
        "number_of_conv_states": 3,
    },
    "xlm": {"causal": True},
    "xmod": {"default_language": "en_XX"},
    "zaya": {"layer_types": ["hybrid", "hybrid_sliding"] * 20, "sliding_window": 4096},
}
# Where sizes by name break a rule of the class
CARE: dict[str, dict[str, Any]] = {
    # Compressed states are made of so many tokens: no short prompt would have one
    "deepseek_v4": {"compress_rates": {"compressed_sparse_attention": 4, "heavily_compressed_attention": 16}},
    # Layers with a window have wider heads, which must be the sum of their parts
    "dots3_note_text": {"head_dim": 20},
    # Keys are chosen by a number that a token repeats at any position: among equals the batch's layout chooses
    "doge": {"keep_window_size": POSITIONS},
    # Written as checkpoints have it, attention and MLP apart: four layers, of which the middle two are run in loops
    "dory": {
        "layer_types": ["sliding_attention", "mlp", "full_attention", "mlp"] * 2,
        "num_hidden_layers": 8,
        "n_input_layers": 2,
        "n_recurrent_layers": 4,
        "n_output_layers": 2,
    },
    # The layer count is the stack's times the cycles, and the embedding's scale undoes its spread
    "hrm_text": {"num_layers_per_stack": 2, "num_hidden_layers": 16, "H_cycles": 2, "L_cycles": 3},
    # Axial positions must multiply to the longest prompt and add up to the width; unseeded hashes are drawn anew
    "reformer": {"hash_seed": 0, "axial_pos_shape": [16, 32], "axial_pos_embds_dim": [8, 24], "num_buckets": 4},
    # The pattern of blocks is no list of the layers
    "recurrent_gemma": {"num_hidden_layers": 3},
    # Keys and values are rounded up to 64, and the plain kernels hold only where nothing is rounded
    "xlstm": {"hidden_size": 64, "embedding_dim": 64, "qk_dim_factor": 1.0, "v_dim_factor": 1.0},
    # Hybrid layers share one transformer, which needs two of them
    "zamba": {"num_hidden_layers": 4, "layers_block_type": ["linear_attention", "hybrid"] * 2},
    "zamba2": {
        "num_hidden_layers": 4,
        "layers_block_type": ["linear_attention", "hybrid"] * 2,
        "hybrid_layer_ids": [1, 3],
    },
}
# No text model, whatever its class is called
NO_TEXT = {
    "gemma4_assistant": "drafts from the states of another model",
    "gemma4_unified_assistant": "drafts from the states of another model",
    "musicgen": "continues audio codes, not text",
    "musicgen_melody": "continues audio codes, not text",
}
