"""word_perplexity: exp of the mean surprise for each word (split at white space) of the corpus. Lower is better."""

from __future__ import annotations

from harness.analysis.metrics.base import CorpusMetric
from harness.analysis.perplexity import per_unit


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    return per_unit(k, "word_perplexity", "words")
