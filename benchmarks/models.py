"""Models with real shapes and random weights, their tokenizer, and the trained demo model.

What a random model says is noise, but it costs what a trained one of that shape costs, and both harnesses must say
the same noise. The weights are scaled so that greedy text neither repeats itself nor hangs on near ties; plain
`from_config` weights repeat one token for ever, and would test little.
"""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
END, PAD = "<|end|>", "<|pad|>"
# Attention that looks at some places more than at others, and layers louder than the token they stand on
SHARPER_ATTENTION = 3.0
LOUDER_MLP = 3.0
FRAME = ["Question:", " Answer:", ".", "?", ",", " A", " B", " C", " D", "\nA", "\nB", "\nC", "\nD", "\n\n"]
FRAME_TIMES = 2000
ONSETS = (
    *("b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sl st t th tr v w y z".split()),
    "",
)
NUCLEI = ("a", "e", "i", "o", "u", "ai", "ea", "ee", "oa", "ou")
CODAS = ("", "b", "ck", "d", "f", "g", "l", "m", "n", "nd", "ng", "nt", "p", "r", "s", "st", "t", "x")


@dataclass(frozen=True, slots=True)
class Shape:
    """One model: the class of its config, what differs from the class's defaults, and its stop string.

    `stop` comes about once in a hundred greedy tokens of this very model, as measured; "" for a trained model.
    """

    config: str
    values: dict[str, Any]
    stop: str


SHAPES = {
    "smollm2-135m": Shape(
        "LlamaConfig",
        {
            "hidden_size": 576,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "intermediate_size": 1536,
            "vocab_size": 49152,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
            "max_position_embeddings": 8192,
        },
        stop="STOP",
    ),
    "qwen2.5-0.5b": Shape(
        "Qwen2Config",
        {
            "hidden_size": 896,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "intermediate_size": 4864,
            "vocab_size": 151936,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
            "max_position_embeddings": 8192,
        },
        stop="STOP",
    ),
}


def words(count: int) -> list[str]:
    """That many different made-up words, always the same."""
    rng = random.Random(7)
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = rng.choice((1, 1, 2, 2, 2, 3))
        found["".join(rng.choice(ONSETS) + rng.choice(NUCLEI) + rng.choice(CODAS) for _ in range(syllables))] = None
    return list(found)


def random_model(cache: Path, name: str) -> Path:
    """The folder of a random model in the cache, made when it is not there."""
    folder = cache / "models" / name
    if folder.is_dir():
        return folder
    making = folder.with_name(f".{name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    shape = SHAPES[name]
    _save_tokenizer(making, int(shape.values["vocab_size"]))
    _save_weights(making, shape)
    making.rename(folder)
    return folder


def demo_model() -> Path:
    """The trained demo model of this checkout."""
    return REPO / "harness" / "demo" / "models" / "demo-larger"


def _save_tokenizer(folder: Path, size: int) -> None:
    """Train a byte-level BPE of exactly `size` entries; twice as many words as entries leave enough to merge."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [f" {word}" for word in words(2 * size)] + FRAME * FRAME_TIMES
    tokenizer.train_from_iterator(lines, trainer)
    if tokenizer.get_vocab_size() != size:
        raise RuntimeError(f"the tokenizer has {tokenizer.get_vocab_size()} entries, not {size}")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=8192,
    ).save_pretrained(folder)


def _save_weights(folder: Path, shape: Shape) -> None:
    import torch
    import transformers

    config = getattr(transformers, shape.config)(
        **shape.values, tie_word_embeddings=True, eos_token_id=0, pad_token_id=1, bos_token_id=None
    )
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".q_proj.weight" in name or ".k_proj.weight" in name:
                weight.mul_(SHARPER_ATTENTION)
            elif ".mlp." in name:
                weight.mul_(LOUDER_MLP)
    model.save_pretrained(folder)


def multiply_adds(folder: Path) -> tuple[int, int]:
    """Weights that every token is multiplied with (body), and those of the head, which answers alone need."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    head = config.vocab_size * config.hidden_size
    total = sum(weight.numel() for weight in model.parameters())
    return total - head * (1 if config.tie_word_embeddings else 2), head
