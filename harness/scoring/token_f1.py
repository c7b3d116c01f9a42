"""Words in common with the right answer, as SQuAD 1.1 counts them (arXiv 1606.05250): F1, or equality (`exact`).

Both sides are lowered, ASCII punctuation and the words a, an, the are removed, and words are what is between white
space. Of several right answers the best one counts. Where SQuAD's own rule gives two empty texts 1, an empty completion
is no answer here and scores 0. A script without spaces is one word: `measure: exact` and `chrf` fit it better.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.datatypes import Answer, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, no_digit, right_answers
from harness.scoring.options import ScorerOptions, checked_options

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Return the words that are compared, with one space between them."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def f1(answer: str, gold: str) -> float:
    """Return the F1 of two texts' words; of texts without any, whether both have none."""
    mine, its = normalised(answer).split(), normalised(gold).split()
    if not mine or not its:
        return float(mine == its)
    common = (Counter(mine) & Counter(its)).total()
    precision, recall = common / len(mine), common / len(its)
    return 2 * precision * recall / (precision + recall) if common else 0.0


@dataclass(slots=True)
class TokenF1:
    """Scores by words in common, or by equal words."""

    name: str
    exact: bool
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "text"

    @property
    def binary(self) -> bool:
        """Whether 0 and 1 are the only values."""
        return self.exact

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Return the score against the best right answer."""
        golds = right_answers(sample.reference)
        if self.exact:
            value = float(any(normalised(answer) == normalised(gold) for gold in golds))
        else:
            value = max(f1(answer, gold) for gold in golds)
        explanation = f"{normalised(answer)!r} and {' or '.join(repr(normalised(gold)) for gold in golds)}"
        detail = {"vote": normalised(answer), **no_digit(answer, golds)}
        return Score(self.name, value, answer, explanation, detail=detail)


class TokenF1Options(ScorerOptions):
    """`measure`: `f1` of the words, or `exact` equality of them all."""

    measure: Literal["f1", "exact"] = "f1"


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from TokenF1Options. Raises ConfigError."""
    chosen = checked_options(TokenF1Options, options, "scorer 'token_f1'")
    return TokenF1(chosen.name, chosen.measure == "exact")
