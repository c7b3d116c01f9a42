"""bits_per_byte: bits of surprise for each byte of the corpus, whatever the tokenizer. Lower is better."""

from __future__ import annotations

import math

from harness.analysis.metrics.base import CorpusMetric
from harness.analysis.perplexity import per_unit


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    return per_unit(k, "bits_per_byte", "bytes", lambda surprise: surprise / math.log(2))
