"""Whether one given continuation is what greedy decoding gives, and how likely it is (acc and perplexity of LAMBADA).

The value is 1 where each token of the prompt's `target` is the likeliest one. The detail has its log-probability, which
the metric `perplexity` averages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Likelihood, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, misused
from harness.scoring.continuations import not_a_number
from harness.scoring.options import ScorerOptions, checked_options


@dataclass(slots=True)
class TargetLikelihood:
    """Scores the likelihood of one target."""

    name: str
    binary: bool = True
    references: tuple[type[Reference], ...] = (Answer,)
    details: tuple[str, ...] = ("logprob", "targets")

    def score_likelihood(self, sample: Sample, reply: Likelihood) -> Score:
        """Score 1 where the target is the greedy continuation."""
        if len(reply.continuations) != 1:
            return misused(self.name, f"the engine scored {len(reply.continuations)} continuations for one target")
        (target,) = reply.continuations
        if not math.isfinite(target.logprob):
            return not_a_number(self.name, [target.logprob])
        explanation = f"the target is {'' if target.greedy else 'not '}greedy, its log-probability {target.logprob:.3f}"
        detail = {"logprob": target.logprob, "targets": 1, "tokens": target.tokens}
        return Score(self.name, float(target.greedy), explanation=explanation, detail=detail)


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ScorerOptions. Raises ConfigError."""
    return TargetLikelihood(checked_options(ScorerOptions, options, "scorer 'target_likelihood'").name)
