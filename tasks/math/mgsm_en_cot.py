"""MGSM, English steps: the words of each language as lm-evaluation-harness has them, slips included.

Rows of the split `train` are the paper's examples: their question has its word already, their answer begins with the
word for the answer. Rows of `test` have neither.
"""

from __future__ import annotations

from typing import Any

# Language -> the word before a question, and the one that an example's answer begins with
WORDS = {
    "bn": ("প্রশ্ন:", "ধাপে ধাপে উত্তর:"),
    "de": ("Frage:", "Schritt-für-Schritt-Antwort:"),
    "en": ("Question:", "Step-by-Step Answer:"),
    "es": ("Pregunta:", "Respuesta paso a paso:"),
    "fr": ("Question :", "Réponse étape par étape :"),
    "ja": ("問題：", "ステップごとの答え:"),
    "ru": ("Задача:", "Пошаговоерешение:"),
    "sw": ("Swali:", "Jibu la Hatua kwa Hatua:"),
    "te": ("ప్రశ్న:", "దశలవారీగా సమాధానం:"),
    "th": ("โจทย์:", "คำตอบทีละขั้นตอน:"),
    "zh": ("问题：", "逐步解答:"),
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `mark` (the word before a question), `shown` (the question behind it), `cue` and `steps`. Raises KeyError."""
    mark, word = WORDS[row["config"]]
    if row.get("answer") is None:
        shown, steps = f"{mark} {row['question']}", str(row["answer_number"])
    else:
        # One character more: the space behind the word
        shown, steps = row["question"], row["answer"][len(word) + 1 :]
    return {**row, "mark": mark, "shown": shown, "cue": "Step-by-Step Answer:", "steps": steps}
