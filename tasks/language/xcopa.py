"""The words between a premise and its cause or effect, in the eleven languages of XCOPA (lm-evaluation-harness's)."""

from __future__ import annotations

from typing import Any

# language: before a cause, before an effect
CONNECTIVES = {
    "et": ("sest", "seetõttu"),
    "ht": ("poukisa", "donk sa"),
    "id": ("karena", "maka"),
    "it": ("perché", "quindi"),
    "qu": ("imataq", "chaymi"),
    "sw": ("kwa sababu", "kwa hiyo"),
    "ta": ("காரணமாக", "எனவே"),
    "th": ("เพราะ", "ดังนั้น"),
    "tr": ("çünkü", "bu yüzden"),
    "vi": ("bởi vì", "vì vậy"),
    "zh": ("因为", "所以"),
}


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `connective`, the word of the row's language for what is wanted: the premise's cause or effect."""
    cause, effect = CONNECTIVES[row["config"]]
    return {**row, "connective": {"cause": cause, "effect": effect}[row["question"]]}
