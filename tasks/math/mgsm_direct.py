"""MGSM, the answer at once: the words of each language as lm-evaluation-harness has them, slips included.

Rows of the split `train` are the paper's examples: their question has its word already, their answer begins with the
word for the answer. Rows of `test` have neither.
"""

from __future__ import annotations

from typing import Any

# What the metric leaves out: string.punctuation
_PUNCTUATION = str.maketrans("", "", r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")
# Language -> the word before a question, the word before its answer
WORDS = {
    "bn": ("প্রশ্ন:", "Answer:"),
    "de": ("Frage:", "Antwort:"),
    "en": ("Question:", "Answer:"),
    "es": ("Pregunta:", "Respuesta:"),
    "fr": ("Question :", "Réponse :"),
    "ja": ("問題：", "Answer:"),
    "ru": ("Задача:", "Answer:"),
    "sw": ("Swali:", "Answer:"),
    "te": ("ప్రశ్న:", "Answer:"),
    "th": ("โจทย์:", "Answer:"),
    "zh": ("问题：", "Answer:"),
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `mark` (the word before a question), `shown` (the question behind it) and `cue`. Raises KeyError."""
    mark, cue = WORDS[row["config"]]
    is_example = row.get("answer") is not None
    shown = row["question"] if is_example else f"{mark} {row['question']}"
    return {**row, "mark": mark, "shown": shown, "cue": cue}


def whole(sample: dict[str, Any], completion: str) -> bool:
    """Whether the completion is the right number and nothing else, but for punctuation."""
    return completion.translate(_PUNCTUATION) == str(sample["answer_number"]).translate(_PUNCTUATION)
