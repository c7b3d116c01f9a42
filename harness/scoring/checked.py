"""Runs a scorer on one reply: catches its faults, checks its value, and adds notes that no scorer has to write."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.datatypes import Answer, Completion, Failure, Likelihood, Prompt, Sample, Score
from harness.scoring.base import Scorer
from harness.scoring.presence import is_stated


def score_or_failure(scorer: Scorer, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score | Failure:
    """Return the checked score of a reply, or a Failure if the scorer raised anything. Raises nothing itself."""
    try:
        return noted(in_range(scorer.score(sample, prompt, reply), binary=scorer.binary), sample, reply)
    except Exception as error:  # noqa: BLE001 - a fault in a scorer leaves one sample unscored, never a run lost
        return Failure("score", type(error).__name__, str(error), ours=True)


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
