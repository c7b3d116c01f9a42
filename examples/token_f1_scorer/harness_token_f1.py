"""F1 over the words of the answer and the reference, the best over all references, as SQuAD's own script computes it.

Both sides are written in lower case, without punctuation and without the articles a, an, the; words count as often as
they occur. Options: `name`, and `extract` as for every scorer (default: the whole text). Source: Rajpurkar et al. 2016,
"SQuAD: 100,000+ Questions for Machine Comprehension of Text", evaluate-v1.1.py.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Choice, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, right_answers
from harness.scoring.options import ScorerOptions, checked_options

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def words(text: str) -> list[str]:
    """Return what is compared: the words of a text as SQuAD normalises them."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def token_f1(answer: str, gold: str) -> float:
    """Return the harmonic mean of precision and recall over words, in [0, 1]."""
    predicted, right = Counter(words(answer)), Counter(words(gold))
    common = (predicted & right).total()
    return 2 * common / (predicted.total() + right.total()) if common else 0.0


@dataclass(slots=True)
class TokenF1:
    """Scores an answer by the words that it shares with the reference."""

    name: str
    # Values lie between 0 and 1, so intervals come from the samples' spread
    binary: bool = False
    references: tuple[type[Reference], ...] = (Answer, Choice)
    extractor: str = "text"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score the best F1 over the texts that count as right."""
        golds = right_answers(sample.reference)
        value, gold = max((token_f1(answer, gold), gold) for gold in golds)
        return Score(self.name, value, answer, f"F1 {value:.3f} with {gold!r}")


class TokenF1Options(ScorerOptions):
    """The keys of a `score` entry. An option of your own is one more field here."""


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Read the options of a `score` entry. Raises ConfigError with one line."""
    return TokenF1(checked_options(TokenF1Options, options, "scorer 'token_f1'").name)
