"""A stop string for a model that writes nonsense: one that it writes about once in a hundred tokens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from measure import Setting, run_ours
from peer_env import BenchError
from workloads import Author, Workload

HAZARD = 0.0105
DOCUMENTS, TOKENS = 24, 200
LETTERS_LONG = 3


def find_stop(setting: Setting, model: Path, author: Author) -> str:
    """Let the model write, and choose; remembered beside the model."""
    kept = model / "stop.json"
    if kept.is_file():
        return str(json.loads(kept.read_text(encoding="utf-8"))["stop"])
    emitted = Workload("emitted", "", (author.plain(DOCUMENTS, TOKENS),))
    run = run_ours(setting, model, emitted, setting.cache / "work" / model.name / "emitted")
    texts = [text for row in run.answers["emitted"] for text in row]
    tokens = sum(count for row in run.output_tokens["emitted"] for count in row)
    stop, share = choose(texts, tokens)
    kept.write_text(json.dumps({"stop": stop, "share_of_tokens": share}), encoding="utf-8")
    return stop


def choose(texts: Sequence[str], tokens: int) -> tuple[str, float]:
    """Return the letters whose count among `tokens` tokens is nearest to the wanted share, and that share."""
    counts: Counter[str] = Counter()
    for text in texts:
        grams = (text[start : start + LETTERS_LONG] for start in range(len(text) - LETTERS_LONG + 1))
        counts.update(gram for gram in grams if gram.isascii() and gram.isalpha())
    if not counts:
        raise BenchError("the model wrote no letters; its weights are not as varied as the benchmark needs")
    best = min(sorted(counts), key=lambda gram: abs(counts[gram] / tokens - HAZARD))
    return best, counts[best] / tokens
