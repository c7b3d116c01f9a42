"""Whether a task's own scoring can be right: the gold answer must score 1, and an empty or unlikely one 0.

`tasks validate` tries it, and so does every run on what needs no program to be run: a page that fails it scores every
model wrongly. Does not show that a page reads what models write: `phrasings` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.datatypes import (
    Choice,
    Completion,
    ContinuationScore,
    Likelihood,
    LikelihoodRequest,
    Request,
    RollingRequest,
    Sample,
    Score,
)
from harness.scoring.base import TaskScorer


def gold_fault(scorers: Sequence[TaskScorer], sample: Sample, request: Request) -> str | None:
    """Say what a scorer makes wrong of the gold answer of a sample or of an empty one; None if all is right.

    A sample without a gold completion cannot be tried, and has no fault.
    """
    for scorer in scorers:
        if isinstance(request, RollingRequest):
            # No answer is right or wrong here; that the scorer takes such a reply can be tried
            size = len(request.text.encode())
            reply = Likelihood(request.key, (ContinuationScore(-float(size), size, len(request.text), size, False),))
            if scorer.score(sample, request.prompt, reply).value is None:
                return f"{scorer.name!r} does not score the likelihood of a text"
            continue
        if isinstance(request, LikelihoodRequest):
            good: Completion | Likelihood = _likelihood(request, sample, -1.0)
            bad: Completion | Likelihood = _likelihood(request, sample, -9.0)
        elif sample.gold is None:
            continue
        else:
            good, bad = Completion(request.key, sample.gold, "eos"), Completion(request.key, "", "eos")
        for value, what, tried in ((1.0, "the gold answer", good), (0.0, "an empty answer", bad)):
            score = scorer.score(sample, request.prompt, tried)
            if score.value != value:
                return f"{what} of sample {sample.id!r} scores {_shown(score, value)}"
    return None


def plain_fault(scorers: Sequence[TaskScorer], sample: Sample, request: Request) -> str | None:
    """As `gold_fault`, but only what no scorer can mean: a gold answer that scores 0, a wrong option that wins.

    A scorer of a user's own may be generous, and one that fails leaves its samples unscored; a run goes on with both.
    """
    for scorer in scorers:
        try:
            fault = gold_fault([scorer], sample, request)
            if fault is None or isinstance(request, LikelihoodRequest | RollingRequest):
                found = fault
            else:
                assert sample.gold is not None
                score = scorer.score(sample, request.prompt, Completion(request.key, sample.gold, "eos"))
                found = fault if score.value == 0.0 else None
        except Exception:  # noqa: BLE001 - a scorer that fails is reported with the sample that it leaves unscored
            continue
        if found is not None:
            return found
    return None


def _likelihood(request: LikelihoodRequest, sample: Sample, logprob: float) -> Likelihood:
    """Every option costs 5 a character, the gold one -`logprob`: whatever is counted, one of them is the likeliest."""
    assert isinstance(sample.reference, Choice)
    scores = []
    for index, text in enumerate(request.continuations):
        each = logprob if index == sample.reference.gold else -5.0
        size = max(1, len(text.strip()))
        scores.append(ContinuationScore(each * size, size, len(text), len(text.encode()), False))
    return Likelihood(request.key, tuple(scores))


def _shown(score: Score, value: float) -> str:
    cause = score.failure.message if score.failure else score.explanation
    return f"{score.value} under {score.scorer!r}, not {value:g}: {cause or f'it read {score.answer!r}'}"
