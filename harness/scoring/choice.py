"""The right option was chosen: by loglikelihood (the continuation that scores highest), or by its letter.

`normalise` divides each log-probability before they are compared: `none` (what papers call acc), `chars`
(acc_norm of lm-evaluation-harness), `bytes` or `tokens`. The separator between prompt and option is no part
of the option's length: where every continuation is longer than its option by the same amount, that amount is
not counted. Ties go to the first option, and the score tells that there was one.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Choice, Completion, Failure, Likelihood, Prompt, Sample, Score
from harness.scoring.base import Extract, Scorer, Tools
from harness.scoring.extraction import build_extractor, full_text, misused, unanswered
from harness.scoring.options import Options


@dataclass(slots=True)
class ChoiceScorer:
    """Judges which option was chosen."""

    name: str
    extract: Extract
    normalise: str
    letters: str
    binary: bool = True

    def score(self, sample: Sample, prompt: Prompt, reply: Completion | Likelihood) -> Score:
        """Score 1 where the chosen option is the right one."""
        reference = sample.reference
        if not isinstance(reference, Choice):
            return misused(self.name, "the reference has no options (`reference: {choice: ...}` gives them)")
        if isinstance(reply, Likelihood):
            return self._by_likelihood(reference, reply)
        letter = self.extract(full_text(prompt, reply), prompt, sample)
        if letter is None:
            return unanswered(self.name, reply)
        right = self.letters[reference.gold]
        # Extractor `letter` gives labels of other scripts as the Latin letter of their position
        same = not right.isascii() and letter == string.ascii_uppercase[reference.gold]
        hit = same or letter.strip().upper() == right.upper()
        return Score(self.name, float(hit), letter, f"chose {letter}, right is {right}")

    def _by_likelihood(self, reference: Choice, reply: Likelihood) -> Score:
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
        said = f"chose option {chosen}, right is {reference.gold}"
        return Score(
            self.name,
            float(chosen == reference.gold),
            reference.options[chosen],
            said + ("; tied, the first was taken" if tied else ""),
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


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Options: name; normalise none|chars|bytes|tokens; for texts: extract (letter), letters (A-Z)."""
    own = Options(options, "scorer 'choice'")
    name = own.text("name", "choice")
    extract = build_extractor(own.get("extract"), default="letter")
    normalise = own.one_of("normalise", ("none", "chars", "bytes", "tokens"), "none")
    letters = own.text("letters", string.ascii_uppercase)
    own.done()
    return ChoiceScorer(name, extract, normalise, letters)
