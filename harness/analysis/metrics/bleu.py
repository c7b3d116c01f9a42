"""bleu: BLEU of the corpus from 0 to 100, as `sacrebleu.corpus_bleu` (arXiv 1804.08771), from the scorer's counts."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.corpus_score import corpus_score
from harness.analysis.metrics.base import CorpusMetric


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    return corpus_score(k, "bleu", _of_counts)


def _of_counts(counts: Sequence[float]) -> float:
    """Return the score of [length, reference length, 4 counts of matches, 4 of n-grams]."""
    from sacrebleu.metrics import BLEU

    length, reference, *rest = map(round, counts)
    order = len(rest) // 2
    # As sacrebleu's own default for a corpus
    found = BLEU.compute_bleu(rest[:order], rest[order:], length, reference, "exp", max_ngram_order=order)
    return float(found.score)
