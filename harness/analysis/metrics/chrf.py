"""chrf: chrF of the corpus from 0 to 100, as `sacrebleu.corpus_chrf` (Popović 2015), from the scorer's counts.

It is chrF++ where the scorer counts words too (`word_order: 2`).
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.corpus_score import corpus_score
from harness.analysis.metrics.base import CorpusMetric


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    return corpus_score(k, "chrf", _of_counts)


def _of_counts(counts: Sequence[float]) -> float:
    """Return the score of three counts (text, reference, match) for each order of n-grams."""
    from sacrebleu.metrics import CHRF

    words = len(counts) // 3 - CHRF.CHAR_ORDER
    # Its public functions take texts, which records without texts do not have
    return float(CHRF(word_order=words)._compute_score_from_stats(list(map(round, counts))).score)
