"""perplexity: exp of the mean surprise of a sample's target (LAMBADA in lm-evaluation-harness). Lower is better.

The targets' log-probabilities are averaged over samples, whatever their lengths, so that it depends on the tokenizer
only through them. Its interval is Student's t of the mean log-probability (clustered where samples share a group), put
through exp; lm-evaluation-harness gives a bootstrap standard error.
"""

from __future__ import annotations

from dataclasses import replace

from harness.analysis.metrics.base import CorpusMetric
from harness.analysis.perplexity import per_unit


def build(k: int | None) -> CorpusMetric:
    """Make the metric. Raises ConfigError for a number behind its name."""
    return replace(per_unit(k, "perplexity", "targets"), example="target_likelihood")
