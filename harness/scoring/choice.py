"""The right option was chosen: by loglikelihood (the continuation that scores highest), or by its letter.

`normalise` divides each log-probability before they are compared: `none` (what papers call acc), `chars`
(acc_norm of lm-evaluation-harness), `bytes` or `tokens`. The separator between prompt and option is no part
of the option's length: where every continuation is longer than its option by the same amount, that amount is
not counted. Ties go to the first option, and the score's detail says so.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.datatypes import Choice, Failure, Likelihood, Reference, Sample, Score
from harness.scoring.base import NonEmpty, Scorer, ScorerOptions, Tools, checked_options, misused


@dataclass(slots=True)
class ChoiceScorer:
    """Scores which option was chosen."""

    name: str
    normalise: str
    letters: str
    binary: bool = True
    references: tuple[type[Reference], ...] = (Choice,)
    extractor: str = "letter"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where the extracted letter is that of the right option."""
        assert isinstance(sample.reference, Choice)
        gold = sample.reference.gold
        right = self.letters[gold]
        # Extractor `letter` gives labels of other scripts as the Latin letter of their position
        same = not right.isascii() and answer == string.ascii_uppercase[gold]
        hit = same or answer.strip().upper() == right.upper()
        return Score(self.name, float(hit), answer, f"chose {answer}, right is {right}")

    def score_likelihood(self, sample: Sample, reply: Likelihood) -> Score:
        """Score 1 where the continuation with the highest normalised log-probability is the right option's."""
        reference = sample.reference
        assert isinstance(reference, Choice)
        if len(reply.continuations) != len(reference.options):
            counts = f"{len(reply.continuations)} continuations for {len(reference.options)} options"
            return misused(self.name, f"the engine scored {counts}")
        scores = [
            each.logprob / length
            for each, length in zip(reply.continuations, self._lengths(reference, reply), strict=True)
        ]
        if any(math.isnan(score) for score in scores):
            failure = Failure("score", "not_a_number", f"log-probabilities are {scores}", ours=True)
            return Score(self.name, None, failure=failure)
        best = max(scores)
        chosen = scores.index(best)
        tied = scores.count(best) > 1
        explanation = f"chose option {chosen}, right is {reference.gold}"
        return Score(
            self.name,
            float(chosen == reference.gold),
            reference.options[chosen],
            explanation + ("; tied, the first was taken" if tied else ""),
            detail={"chosen": chosen, "tied": tied, "scores": scores},
        )

    def _lengths(self, reference: Choice, reply: Likelihood) -> list[int]:
        if self.normalise == "chars":
            counted = [each.chars for each in reply.continuations]
            return _without_separator(counted, [len(option) for option in reference.options])
        if self.normalise == "bytes":
            counted = [each.bytes for each in reply.continuations]
            return _without_separator(counted, [len(option.encode()) for option in reference.options])
        if self.normalise == "tokens":
            return [max(1, each.tokens) for each in reply.continuations]
        return [1] * len(reply.continuations)


def _without_separator(counted: Sequence[int], options: Sequence[int]) -> list[int]:
    """Return the options' lengths where the continuations are these behind one separator, else the counts."""
    excess = {whole - own for whole, own in zip(counted, options, strict=True)}
    separated = len(excess) == 1 and min(excess) >= 0
    return [max(1, length) for length in (options if separated else counted)]


class ChoiceOptions(ScorerOptions):
    """`normalise`: what a log-probability is divided by; `letters`: the options' labels in generated text."""

    normalise: Literal["none", "chars", "bytes", "tokens"] = "none"
    letters: NonEmpty = string.ascii_uppercase


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ChoiceOptions. Raises ConfigError."""
    chosen = checked_options(ChoiceOptions, options, "scorer 'choice'")
    return ChoiceScorer(chosen.name, chosen.normalise, chosen.letters)
