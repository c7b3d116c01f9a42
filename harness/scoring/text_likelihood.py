"""How likely a model finds a text: bits for each byte, less is better, and what corpus metrics sum.

Words are counted as lm-evaluation-harness counts them for word perplexity: pieces between white space. `count` is a
template of another text to count words and bytes in: some tasks scale by the text as it was before it was cleaned.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Failure, Likelihood, Reference, Sample, Score, Text
from harness.errors import error_prefix
from harness.prompts.build import check_syntax, render
from harness.scoring.base import Scorer, Tools, misused
from harness.scoring.options import NonEmpty, ScorerOptions, checked_options


@dataclass(slots=True)
class TextLikelihood:
    """Scores the reply to a rolling request."""

    name: str
    count: str | None = None
    binary: bool = False
    references: tuple[type[Reference], ...] = (Text,)
    details: tuple[str, ...] = ("logprob", "bytes", "words")
    averages: bool = False

    def score_likelihood(self, sample: Sample, reply: Likelihood) -> Score:
        """Return bits per byte of the sample's text; the detail has the log-probability and the counts."""
        assert isinstance(sample.reference, Text)
        (scored,) = reply.continuations
        text = sample.reference.text
        if self.count is not None:
            with error_prefix(f"scorer {self.name!r}: count: "):
                text = render(self.count, sample.inputs)
        if not math.isfinite(scored.logprob):
            failure = Failure("score", "not_a_number", f"the log-probability is {scored.logprob}", ours=True)
            return Score(self.name, None, failure=failure)
        if not text:
            return misused(self.name, "there is nothing to count words and bytes in")
        size = len(text.encode())
        bits = -scored.logprob / math.log(2) / size
        detail = {
            "logprob": scored.logprob,
            "bytes": size,
            "words": len(re.split(r"\s+", text)),
            "tokens": scored.tokens,
        }
        return Score(self.name, bits, explanation=f"{bits:.3f} bits for each of {size} bytes", detail=detail)


class TextLikelihoodOptions(ScorerOptions):
    """`count`: template of the text whose words and bytes are counted (default: the scored text)."""

    count: NonEmpty | None = None


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from TextLikelihoodOptions. Raises ConfigError."""
    chosen = checked_options(TextLikelihoodOptions, options, "scorer 'text_likelihood'")
    if chosen.count is not None:
        with error_prefix("scorer 'text_likelihood': count: "):
            check_syntax(chosen.count)
    return TextLikelihood(chosen.name, chosen.count)
