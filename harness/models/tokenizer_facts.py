"""What a tokenizer is: its kind, what it does to a text first, and how many bytes its tokens hold on fixed samples.

Two models' scores per token cannot be compared where their tokens differ; bytes per token show by how much. Guarantees:
the samples never change. Does not show how a tokenizer works on other texts, or in other languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SAMPLES: Mapping[str, str] = {
    "English": (
        "The committee met on Tuesday to discuss the new library. Although the old building is smaller, most of the "
        "members would rather repair its roof than pay 2,450,000 for another one."
    ),
    "Python": (
        "def moving_average(values, width):\n    if width < 1:\n        raise ValueError('width must be positive')\n"
        "    return [sum(values[i : i + width]) / width for i in range(len(values) - width + 1)]\n"
    ),
    "Chinese": "委员会星期二开会讨论新图书馆的计划。虽然旧楼比较小,但大多数人宁愿修理屋顶,也不愿再买一座。",
}


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """`kind`: BPE, Unigram, WordPiece, ...; or the class where it is none of the `tokenizers` library's.

    `normaliser` is None where texts are taken as they are (or, with such a class, where that is not known);
    `bytes_per_token`: UTF-8 bytes over tokens without special ones, by sample.
    """

    kind: str
    unit: str
    normaliser: str | None
    vocabulary: int
    bytes_per_token: Mapping[str, float]


def tokenizer_facts(tokenizer: Any) -> TokenizerFacts:
    """Look into a loaded tokenizer and let it read the samples."""
    inner = getattr(tokenizer, "backend_tokenizer", None)
    counts = {name: len(tokenizer.encode(text, add_special_tokens=False)) for name, text in SAMPLES.items()}
    return TokenizerFacts(
        kind=type(inner.model).__name__ if inner is not None else type(tokenizer).__name__,
        unit=_unit(inner),
        normaliser=_name(inner.normalizer) if inner is not None and inner.normalizer is not None else None,
        vocabulary=len(tokenizer),
        bytes_per_token={name: len(text.encode()) / counts[name] for name, text in SAMPLES.items() if counts[name]},
    )


def byte_tokenizer() -> Any:
    """A tokenizer of the 256 bytes, to prompt a model that came without its own."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = ["<start>", "<end>", "<pad>", "<other>"]
    letters = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE(vocab={letter: at for at, letter in enumerate(letters)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=special[0], eos_token=special[1], pad_token=special[2]
    )


def _unit(inner: Any) -> str:
    """What the smallest pieces are."""
    if inner is None:
        return "unknown"
    if "ByteLevel" in repr(inner.pre_tokenizer) or "ByteLevel" in repr(inner.normalizer):
        return "bytes"
    return "characters, else bytes" if getattr(inner.model, "byte_fallback", False) else "characters"


def _name(part: Any) -> str:
    """`Sequence(Prepend, Replace)`: the parts without their settings."""
    kind = type(part).__name__
    if kind != "Sequence":
        return kind
    return f"Sequence({', '.join(type(one).__name__ for one in part)})"
