"""Random models in the shapes of known ones, with a tokenizer of our own: no download, and the same on every machine.

A random model at its usual scale repeats one token for ever, and a run of equal tokens hides faults and shortens
texts. The factors below make attention sharp and each block's output large beside its input: greedy text then hardly
repeats, and two tokens seldom come within rounding of each other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pseudo_text

END, PAD = "<|end|>", "<|pad|>"
SCALES = {"q_proj": 2.0, "k_proj": 2.0, "v_proj": 2.0, "o_proj": 2.0, "mlp": 2.0, "embed_tokens": 2.0}
WEIGHT_SEED = 0
# As both models are published; the precision of a run is an option of each side
STORED = "bfloat16"


@dataclass(frozen=True, slots=True)
class Shape:
    """A model's class and the values of its config."""

    architecture: str
    values: Mapping[str, Any]

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return int(self.values["vocab_size"])


SHAPES = {
    # HuggingFaceTB/SmolLM2-135M
    "smollm": Shape(
        "Llama",
        {
            "hidden_size": 576,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "intermediate_size": 1536,
            "vocab_size": 49152,
            "tie_word_embeddings": True,
            "max_position_embeddings": 8192,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
        },
    ),
    # Qwen/Qwen2.5-0.5B
    "qwen": Shape(
        "Qwen2",
        {
            "hidden_size": 896,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "intermediate_size": 4864,
            "vocab_size": 151936,
            "tie_word_embeddings": True,
            "max_position_embeddings": 32768,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        },
    ),
}


def prepare(name: str, cache: Path) -> Path:
    """Make the model's folder in `cache`, unless it is there; return it."""
    folder = cache / "models" / name
    weights = {"values": SHAPES[name].values, "scales": SCALES, "seed": WEIGHT_SEED, "stored": STORED}
    recipe = json.dumps({**weights, "text": pseudo_text.FRAME}, sort_keys=True)
    mark = folder / "recipe.json"
    if mark.is_file() and mark.read_text(encoding="utf-8") == recipe:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write_tokenizer(SHAPES[name].vocabulary, folder)
    _write_weights(SHAPES[name], folder)
    mark.write_text(recipe, encoding="utf-8")
    return folder


def tokenizer_of(folder: Path) -> Any:
    """Load the tokenizer of a model's folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def _write_tokenizer(vocabulary: int, folder: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=1,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(pseudo_text.training_lines(vocabulary), trainer)
    missing = range(tokenizer.get_vocab_size(), vocabulary)
    tokenizer.add_tokens([AddedToken(f"<|unused{index}|>", normalized=False) for index in missing])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def _write_weights(shape: Shape, folder: Path) -> None:
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    config = getattr(transformers, f"{shape.architecture}Config")(
        **shape.values, eos_token_id=0, pad_token_id=1, bos_token_id=None
    )
    torch.manual_seed(WEIGHT_SEED)
    model = getattr(transformers, f"{shape.architecture}ForCausalLM")(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            for part, factor in SCALES.items():
                if part in name:
                    weight.mul_(factor)
    model.to(getattr(torch, STORED)).save_pretrained(folder)
