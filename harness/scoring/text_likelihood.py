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

from harness.datatypes import Completion, Failure, Likelihood, Prompt, Sample, Score, Text
from harness.prompts.template import check_syntax, render
from harness.scoring.base import Scorer, Tools
from harness.scoring.extraction import misused
from harness.scoring.options import Options


@dataclass(slots=True)
class TextLikelihood:
    """Scores the reply to a rolling request."""

    name: str
    count: str | None = None
    binary: bool = False

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Bits for each byte of the sample's text; the parts stand in the detail."""
        if not isinstance(sample.reference, Text) or not isinstance(reply, Likelihood):
            return misused(self.name, "the page asks for no likelihood of a text (`ask: rolling_loglikelihood`)")
        (found,) = reply.continuations
        text = sample.reference.text
        if self.count is not None:
            text = render(self.count, sample.inputs, f"scorer {self.name!r}: count: ")
        if not math.isfinite(found.logprob):
            failure = Failure("score", "not_a_number", f"the log-probability is {found.logprob}", ours=True)
            return Score(self.name, None, failure=failure)
        if not text:
            return misused(self.name, "there is nothing to count words and bytes in")
        size = len(text.encode())
        bits = -found.logprob / math.log(2) / size
        detail = {
            "logprob": found.logprob,
            "bytes": size,
            "words": len(re.split(r"\s+", text)),
            "tokens": found.tokens,
        }
        return Score(self.name, bits, explanation=f"{bits:.3f} bits for each of {size} bytes", detail=detail)


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Options: name; count (template of the text whose words and bytes are counted; default: the scored text)."""
    own = Options(options, "scorer 'text_likelihood'")
    name = own.text("name", "text_likelihood")
    count = own.text("count") if own.get("count") is not None else None
    own.done()
    if count is not None:
        check_syntax(count, "scorer 'text_likelihood': count: ")
    return TextLikelihood(name, count)
