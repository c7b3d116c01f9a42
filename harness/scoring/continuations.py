"""What scorers of log-likelihoods share: the scores of options, and what makes them unusable."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.datatypes import Choice, ContinuationScore, Failure, Likelihood, Score


def scores_of_options(reference: Choice, reply: Likelihood) -> tuple[ContinuationScore, ...] | None:
    """Return what each option scored after the prompt; None where the reply is not one or two for each option.

    The second half of a reply is the same options after an empty prompt.
    """
    count = len(reference.options)
    return reply.continuations[:count] if len(reply.continuations) in (count, 2 * count) else None


def wrong_count(reference: Choice, reply: Likelihood) -> str:
    """Say that a reply does not fit the options."""
    return f"the engine scored {len(reply.continuations)} continuations for {len(reference.options)} options"


def not_a_number(scorer: str, logprobs: Sequence[float]) -> Score:
    """Leave a sample unscored whose log-probabilities cannot be compared."""
    failure = Failure("score", "not_a_number", f"log-probabilities are {list(logprobs)}", ours=True)
    return Score(scorer, None, failure=failure)


def share_of(logprobs: Sequence[float], chosen: int) -> float | None:
    """Return the chosen option's share of the probability of all options (softmax of their log-probabilities).

    None where it is not determined: all are impossible, or one is no number.
    """
    best = max(logprobs)
    if not math.isfinite(best) or any(map(math.isnan, logprobs)):
        return None
    weights = [math.exp(logprob - best) for logprob in logprobs]
    return min(1.0, weights[chosen] / math.fsum(weights))
