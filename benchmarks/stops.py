"""A stop string for a model that writes nonsense: one that it writes about once in a hundred tokens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from math import log
from pathlib import Path
from typing import Any

from measure import Setting, run_ours
from peer_env import BenchError
from workloads import Author, Workload

HAZARD = 0.0105
DOCUMENTS, TOKENS = 48, 200
LETTERS_LONG = 3


def find_stop(setting: Setting, model: Path, author: Author) -> str:
    """Let the model write, and choose; remembered beside the model."""
    kept, wanted = model / "stop.json", {"documents": DOCUMENTS, "tokens": TOKENS}
    if kept.is_file() and wanted.items() <= (known := json.loads(kept.read_text(encoding="utf-8"))).items():
        return str(known["stop"])
    emitted = Workload("emitted", "", (author.plain(DOCUMENTS, TOKENS),))
    run = run_ours(setting, model, emitted, setting.cache / "work" / model.name / "emitted")
    texts = [text for row in run.answers["emitted"] for text in row]
    tokens = [count for row in run.output_tokens["emitted"] for count in row]
    found = choose(texts, tokens)
    kept.write_text(json.dumps({**wanted, **found}), encoding="utf-8")
    return str(found["stop"])


def choose(texts: Sequence[str], tokens: Sequence[int]) -> dict[str, Any]:
    """Return the letters that come about as often as wanted, both anywhere and for the first time.

    Anywhere is the surer count; the first time is what ends an answer, and answers to similar prompts may begin alike.
    """
    counts = Counter(gram for text in texts for gram in _grams(text))
    likely = [gram for gram, count in counts.items() if 0.5 < count / sum(tokens) / HAZARD < 2]
    if not likely:
        raise BenchError("the model wrote no letters often enough; its texts are not as the benchmark needs them")

    def shares(gram: str) -> tuple[float, float]:
        return counts[gram] / sum(tokens), _first_times(gram, texts, tokens)

    best = min(sorted(likely), key=lambda gram: sum(abs(log(max(share, 1e-9) / HAZARD)) for share in shares(gram)))
    anywhere, first = shares(best)
    return {"stop": best, "share_of_tokens": anywhere, "share_until_first": first}


def _grams(text: str) -> Iterator[str]:
    grams = (text[start : start + LETTERS_LONG] for start in range(len(text) - LETTERS_LONG + 1))
    return (gram for gram in grams if gram.isascii() and gram.isalpha())


def _first_times(gram: str, texts: Sequence[str], tokens: Sequence[int]) -> float:
    """Texts that have it, over the tokens before it and those of the texts that never do."""
    hits, waited = 0, 0.0
    for text, count in zip(texts, tokens, strict=True):
        at = text.find(gram)
        hits += at >= 0
        waited += count * (at + LETTERS_LONG) / len(text) if at >= 0 else count
    return hits / waited if waited else 0.0
