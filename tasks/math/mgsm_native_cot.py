"""MGSM, native steps: the words of each language as lm-evaluation-harness has them, slips included.

Rows of the split `train` are the paper's examples: their question has its word already, their answer begins with the
word for the answer. Rows of `test` have neither.
"""

from __future__ import annotations

import re
from typing import Any

_NUMBER = r"(\-?[0-9\.\,]+)"
# Language -> the word before a question, the word before its answer, the sentence that the page looks for
WORDS = {
    "bn": ("প্রশ্ন:", "ধাপে ধাপে উত্তর:", "The answer is {}"),
    "de": ("Frage:", "Schritt-für-Schritt-Antwort:", "Die Antwort lautet {}"),
    "en": ("Question:", "Step-by-Step Answer:", "The answer is {}"),
    "es": ("Pregunta:", "Respuesta paso a paso:", "La respuesta es {}"),
    "fr": ("Question :", "Réponse étape par étape :", "La réponse est {}"),
    "ja": ("問題：", "ステップごとの答え:", "答えは{}です。"),
    "ru": ("Задача:", "Пошаговоерешение:", "Ответ — {}"),
    "sw": ("Swali:", "Jibu la Hatua kwa Hatua:", "Jibu ni {}"),
    "te": ("ప్రశ్న:", "దశలవారీగా సమాధానం:", "సమాధానం {}"),
    "th": ("โจทย์:", "คำตอบทีละขั้นตอน:", "คำตอบคือ {}"),
    "zh": ("问题：", "逐步解答:", "答案是 {}。"),
}
# What the metric leaves out: string.punctuation
_PUNCTUATION = str.maketrans("", "", r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `mark` (the word before a question), `shown` (the question behind it), `cue`, `steps` and `stated`.

    Raises KeyError for a language that is not here.
    """
    mark, word, sentence = WORDS[row["config"]]
    if row.get("answer") is None:
        shown, steps = f"{mark} {row['question']}", str(row["answer_number"])
    else:
        # One character more: the space behind the word
        shown, steps = row["question"], row["answer"][len(word) + 1 :]
    return {
        **row,
        "mark": mark,
        "shown": shown,
        "cue": word,
        "steps": steps,
        "stated": sentence.format(row["answer_number"]),
    }


def strict(sample: dict[str, Any], completion: str) -> dict[str, Any]:
    """Score 1 where the first sentence that states an answer, in the sample's language, states the right one."""
    found = re.search(WORDS[sample["config"]][2].format(_NUMBER), completion)
    if found is None:
        return {"value": 0.0, "answer": None, "explanation": "no sentence states an answer in the expected words"}
    right = _bare(found.group(1)) == _bare(str(sample["answer_number"]))
    return {"value": float(right), "answer": found.group(1)}


def _bare(text: str) -> str:
    return text.strip().translate(_PUNCTUATION)
