"""Writes a Llama with a byte-level BPE tokenizer as a GGUF file, which llama.cpp reads; weights in float32.

As a program: `python gguf_model.py MODEL_FOLDER FILE.gguf`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

# Names of llama.cpp for the weights of one layer
LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def write_gguf(model: Path, path: Path) -> Path:
    """Write the model in the folder `model` to the file `path`."""
    import gguf
    from safetensors.torch import load_file

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(path, "llama")
    _add_shape(writer, config)
    _add_tokenizer(writer, model, config)
    for name, tensor in load_file(model / "model.safetensors").items():
        weight = tensor.float().numpy()
        if "q_proj" in name or "k_proj" in name:
            heads = config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            weight = _interleave(weight, heads)
        writer.add_tensor(_name(name), np.ascontiguousarray(weight), raw_dtype=gguf.GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_shape(writer: Any, config: dict[str, Any]) -> None:
    import gguf

    writer.add_name(str(config.get("_name_or_path") or "demo"))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    heads = config["num_attention_heads"]
    writer.add_rope_dimension_count(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_vocab_size(config["vocab_size"])


def _add_tokenizer(writer: Any, model: Path, config: dict[str, Any]) -> None:
    import gguf

    page = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    special = {entry["id"] for entry in page["added_tokens"] if entry["special"]}
    ids = page["model"]["vocab"] | {entry["content"]: entry["id"] for entry in page["added_tokens"]}
    tokens = sorted(ids, key=ids.__getitem__)
    writer.add_tokenizer_model("gpt2")
    # Digits one by one, then GPT-2's pattern: llama.cpp knows this pair by the name of a model that has it
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if number in special else gguf.TokenType.NORMAL for number in range(len(tokens))]
    )
    writer.add_token_merges([" ".join(pair) for pair in page["model"]["merges"]])
    starts = config["bos_token_id"] is not None
    if starts:
        writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(starts)
    if (template := model / "chat_template.jinja").is_file():
        writer.add_chat_template(template.read_text(encoding="utf-8"))


def _interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """Order the rows as llama.cpp rotates them: pairs side by side, not half a head apart."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)


def _name(name: str) -> str:
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{LAYER[part.removesuffix('.weight')]}.weight"


if __name__ == "__main__":
    write_gguf(Path(sys.argv[1]), Path(sys.argv[2]))
