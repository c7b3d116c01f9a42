"""How alike the answer and the reference are as strings, the best over all references: Ratcliff and Obershelp's ratio.

The ratio is twice the number of characters in matching blocks over the length of both texts, in [0, 1]. Options: `name`
and `extract` as for every scorer (default: the whole text), and `ignore_case`. Source: Python's difflib, after Ratcliff
and Metzener 1988, "Pattern Matching: The Gestalt Approach", Dr. Dobb's Journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from harness.datatypes import Answer, Choice, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, right_answers
from harness.scoring.options import ScorerOptions, checked_options


@dataclass(slots=True)
class EditSimilarity:
    """Scores an answer by its likeness to the reference."""

    name: str
    ignore_case: bool
    # Values lie between 0 and 1, so intervals come from the samples' spread
    binary: bool = False
    references: tuple[type[Reference], ...] = (Answer, Choice)
    extractor: str = "text"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score the best ratio over the texts that count as right."""
        value, gold = max((self._ratio(answer, gold), gold) for gold in right_answers(sample.reference))
        return Score(self.name, value, answer, f"ratio {value:.3f} with {gold!r}")

    def _ratio(self, answer: str, gold: str) -> float:
        pair = (answer.casefold(), gold.casefold()) if self.ignore_case else (answer, gold)
        # Without autojunk, which takes frequent characters of long texts for noise
        return SequenceMatcher(None, *pair, autojunk=False).ratio()


class EditSimilarityOptions(ScorerOptions):
    """The keys of a `score` entry. An option of your own is one more field here."""

    ignore_case: bool = False


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Read the options of a `score` entry. Raises ConfigError with one line."""
    chosen = checked_options(EditSimilarityOptions, options, "scorer 'edit_similarity'")
    return EditSimilarity(chosen.name, chosen.ignore_case)
