"""Whether a right option was chosen: by loglikelihood (the likeliest continuation), or by its letter.

`normalise` says what is compared: the log-probability as it is (`none`: what papers call acc), divided by the option's
`chars` (acc_norm of lm-evaluation-harness), `bytes` or `tokens`, or less that of the same option after an empty prompt
(`unconditional`: acc_mutual_info there, arXiv 2104.08315); the last needs `unconditional: true` in the page's
`reference.choice`. The separator between prompt and option is not part of the option's length: where every
continuation is longer than its option by the same amount, that amount is not counted. Ties go to the first option, and
the score's detail says so. Where several options are right, each of them is a hit.

The confidence in a choice by log-likelihood is the chosen option's share of the options' probability, as it is: softmax
of the log-probabilities, not of what `normalise` compares, which are no probabilities.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from harness.datatypes import Choice, ContinuationScore, Likelihood, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, misused
from harness.scoring.continuations import not_a_number, scores_of_options, share_of, wrong_count
from harness.scoring.options import NonEmpty, ScorerOptions, checked_options


@dataclass(slots=True)
class ChoiceScorer:
    """Scores which option was chosen."""

    name: str
    normalise: str
    letters: str
    binary: bool = True
    references: tuple[type[Reference], ...] = (Choice,)
    extractor: str = "letter"
    # Of log-likelihoods; that of a completion is what the page's `confidence` reads
    likelihood_details: tuple[str, ...] = ("confidence",)

    @property
    def most_options(self) -> int:
        """How many options have a label."""
        return len(self.letters)

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where the extracted letter is that of a right option."""
        assert isinstance(sample.reference, Choice)
        right = sample.reference.right
        hit = any(self._names(answer, option) for option in right)
        letters = " or ".join(self.letters[option] for option in right)
        return Score(self.name, float(hit), answer, f"chose {answer}, right is {letters}")

    def score_likelihood(self, sample: Sample, reply: Likelihood) -> Score:
        """Score 1 where the continuation with the highest normalised log-probability is that of a right option."""
        reference = sample.reference
        assert isinstance(reference, Choice)
        options = scores_of_options(reference, reply)
        if options is None:
            return misused(self.name, wrong_count(reference, reply))
        if self.normalise == "unconditional":
            if len(reply.continuations) == len(options):
                return misused(
                    self.name,
                    "`normalise: unconditional` compares with an empty prompt, which was not requested: "
                    "set `unconditional: true` in the page's `reference.choice`",
                )
            after_nothing = reply.continuations[len(options) :]
            scores = [each.logprob - bare.logprob for each, bare in zip(options, after_nothing, strict=True)]
        else:
            lengths = self._lengths(reference, options)
            scores = [each.logprob / length for each, length in zip(options, lengths, strict=True)]
        if any(math.isnan(score) for score in scores):
            return not_a_number(self.name, scores)
        best = max(scores)
        chosen = scores.index(best)
        tied = scores.count(best) > 1
        confidence = share_of([each.logprob for each in options], chosen)
        explanation = f"chose option {chosen}, right is {' or '.join(map(str, reference.right))}"
        return Score(
            self.name,
            float(chosen in reference.right),
            reference.options[chosen],
            explanation + ("; tied, the first was taken" if tied else ""),
            detail={"chosen": chosen, "tied": tied, "scores": scores, "confidence": confidence},
        )

    def _names(self, answer: str, option: int) -> bool:
        """Whether an extracted letter is that of an option."""
        right = self.letters[option]
        # Extractor `letter` gives labels of other scripts as the Latin letter of their position
        same = not right.isascii() and answer == string.ascii_uppercase[option]
        return same or answer.strip().upper() == right.upper()

    def _lengths(self, reference: Choice, options: Sequence[ContinuationScore]) -> list[int]:
        if self.normalise == "chars":
            return _without_separator([each.chars for each in options], [len(text) for text in reference.options])
        if self.normalise == "bytes":
            counted = [each.bytes for each in options]
            return _without_separator(counted, [len(text.encode()) for text in reference.options])
        if self.normalise == "tokens":
            return [max(1, each.tokens) for each in options]
        return [1] * len(options)


def _without_separator(counted: Sequence[int], options: Sequence[int]) -> list[int]:
    """Return the options' lengths where the continuations are these behind one separator, else the counts."""
    excess = {whole - own for whole, own in zip(counted, options, strict=True)}
    separated = len(excess) == 1 and min(excess) >= 0
    return [max(1, length) for length in (options if separated else counted)]


class ChoiceOptions(ScorerOptions):
    """`normalise`: how a log-probability is made comparable; `letters`: the options' labels in generated text."""

    normalise: Literal["none", "chars", "bytes", "tokens", "unconditional"] = "none"
    letters: NonEmpty = string.ascii_uppercase


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ChoiceOptions. Raises ConfigError."""
    chosen = checked_options(ChoiceOptions, options, "scorer 'choice'")
    return ChoiceScorer(chosen.name, chosen.normalise, chosen.letters)
