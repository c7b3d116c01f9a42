"""What is checked and noted of every score, whichever scorer gave it."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.datatypes import Answer, Completion, Failure, Likelihood, Sample, Score
from harness.scoring.presence import is_stated


def in_range(score: Score, *, binary: bool) -> Score:
    """Return the score, unscored as a fault of its scorer where its value is no number, or neither 0 nor 1 if `binary`.

    A value outside of what a metric expects would shift the mean of all samples and be noticed by no one.
    """
    value = score.value
    if value is None or (math.isfinite(value) and (not binary or value in (0, 1))):
        return score
    kind = "out_of_range" if math.isfinite(value) else "not_a_number"
    expected = "gives 0 or 1" if binary else "gives finite numbers"
    message = f"scorer {score.scorer!r} {expected}; it gave {value}"
    return replace(score, value=None, failure=Failure("score", kind, message, ours=True))


def noted(score: Score, sample: Sample, reply: Completion | Likelihood) -> Score:
    """Note in the detail that a completion which scored 0 states a right answer (`gold_present`).

    Only where the right answer is a text: options and tests are not looked for.
    """
    if score.value != 0 or not isinstance(reply, Completion) or not isinstance(sample.reference, Answer):
        return score
    if not any(is_stated(gold, reply.text) for gold in sample.reference.values):
        return score
    return replace(score, detail={**score.detail, "gold_present": True})
