"""Whether a task's own scoring can be right: the gold answer must score 1, and an empty or unlikely one 0.

`tasks validate` tries it, and so does every run on what needs no program to be run: a page that fails it scores every
model wrongly. Does not show that a page reads what models write: `phrasings` does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.datatypes import (
    Choice,
    Completion,
    ContinuationScore,
    Failure,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Reference,
    Request,
    RollingRequest,
    Sample,
    Score,
)
from harness.scoring.base import TaskScorer

GREEDY = ("a greedy target", "a target that is not greedy")


class _Scores(Protocol):
    """A scorer of a task, guarded or not."""

    @property
    def name(self) -> str:
        """The score's name."""

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Score one reply."""


class _ScorerFailed(Exception):
    """A scorer raised while it scored an answer."""


@dataclass(frozen=True, slots=True)
class _Guarded:
    """A scorer that raises nothing but `_ScorerFailed`."""

    scorer: TaskScorer

    @property
    def name(self) -> str:
        """The score's name."""
        return self.scorer.name

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Score one reply. Raises _ScorerFailed."""
        score = self.scorer.score_or_failure(sample, prompt, reply)
        if isinstance(score, Failure):
            raise _ScorerFailed
        return score


def gold_fault(scorers: Sequence[_Scores], sample: Sample, request: Request) -> str | None:
    """Describe the first gold answer that does not score 1, or empty one that does not score 0; None if there is none.

    A sample without a gold completion cannot be checked, and has no fault.
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
            good: Completion | Likelihood = likelihood(request, sample.reference, right=True)
            bad: Completion | Likelihood = likelihood(request, sample.reference, right=False)
            names = ("the right option", "a wrong option") if isinstance(sample.reference, Choice) else GREEDY
        elif sample.gold is None:
            continue
        else:
            good, bad = Completion(request.key, sample.gold, "eos"), Completion(request.key, "", "eos")
            names = ("the gold answer", "an empty answer")
        tries = [(1.0, names[0], good), (0.0, names[1], bad)]
        if isinstance(request, LikelihoodRequest) and _all_right(sample.reference):
            del tries[1]
        for value, what, tried in tries:
            score = scorer.score(sample, request.prompt, tried)
            if score.value is None or not math.isclose(score.value, value, abs_tol=1e-9):
                return f"{what} of sample {sample.id!r} scores {_shown(score, value)}"
    return None


def plain_fault(scorers: Sequence[TaskScorer], sample: Sample, request: Request) -> str | None:
    """As `gold_fault`, but only what no scorer can mean: a gold answer that scores 0, a wrong option that wins.

    A scorer of a user's own may be generous, and one that fails leaves its samples unscored; a run goes on with both.
    """
    for scorer in map(_Guarded, scorers):
        try:
            fault = gold_fault([scorer], sample, request)
            if fault is None or isinstance(request, LikelihoodRequest | RollingRequest):
                found = fault
            else:
                assert sample.gold is not None
                score = scorer.score(sample, request.prompt, Completion(request.key, sample.gold, "eos"))
                found = fault if score.value == 0.0 else None
        except _ScorerFailed:
            # The run reports it with the sample that it leaves unscored
            continue
        if found is not None:
            return found
    return None


def likelihood(request: LikelihoodRequest, reference: Reference, *, right: bool) -> Likelihood:
    """Return the reply of a model that is certain of the right options (of wrong ones, unless `right`).

    Whatever the log-probabilities are divided by, and less what the options score after an empty prompt, the likely
    ones stay the likeliest, and the others' probability is 0 in a float. A single target is greedy or not.
    """
    if not isinstance(reference, Choice):
        return Likelihood(request.key, tuple(_scored(text, -1.0, right) for text in request.continuations))
    far = -1000.0 * max(len(text.encode()) for text in request.continuations)
    count = len(reference.options)
    scores = []
    for place, text in enumerate(request.continuations):
        # Behind the options come the same after an empty prompt, and none of them is likelier there
        likely = place >= count or (place in reference.right) == right
        scores.append(_scored(text, -1.0 if likely else far, likely))
    return Likelihood(request.key, tuple(scores))


def _all_right(reference: Reference) -> bool:
    return isinstance(reference, Choice) and len(reference.right) == len(reference.options)


def _scored(text: str, logprob: float, greedy: bool) -> ContinuationScore:
    return ContinuationScore(logprob, max(1, len(text.strip())), len(text), len(text.encode()), greedy)


def _shown(score: Score, value: float) -> str:
    cause = score.failure.message if score.failure else score.explanation
    return f"{score.value} under {score.scorer!r}, not {value:g}: {cause or f'it read {score.answer!r}'}"
