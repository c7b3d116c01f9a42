"""ROUGE F-measure of one completion, by Google's rouge-score (Lin 2004); of several references the best one counts.

Value from 0 to 1 (papers often write it times 100). The package knows Latin letters and digits only: in other scripts a
right answer scores 0, which `harness tasks validate` shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness import plugins
from harness.datatypes import Answer, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, right_answers
from harness.scoring.options import ScorerOptions, checked_options


class _Rouge(Protocol):
    """What is used of rouge-score's class."""

    def score_multi(self, targets: Sequence[str], prediction: str) -> Mapping[str, Any]:
        """Return precision, recall and fmeasure by kind."""


@dataclass(slots=True)
class RougeScorer:
    """Scores by words in common."""

    name: str
    kind: str
    rouge: _Rouge
    binary: bool = False
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "text"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Return the F-measure against the best reference."""
        found = self.rouge.score_multi(list(right_answers(sample.reference)), answer)[self.kind]
        explanation = f"precision {found.precision:.3f}, recall {found.recall:.3f}"
        return Score(self.name, min(1.0, float(found.fmeasure)), answer, explanation)


class RougeOptions(ScorerOptions):
    """`kind`: what is in common; `stem`: words are cut to their English stems (Porter) first."""

    kind: Literal["rouge1", "rouge2", "rougeL", "rougeLsum"] = "rougeL"
    stem: bool = False


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from RougeOptions. Raises ConfigError, also where rouge-score is not installed."""
    chosen = checked_options(RougeOptions, options, "scorer 'rouge'")
    plugins.require("rouge_score", "text", "scorer 'rouge'")
    from rouge_score.rouge_scorer import RougeScorer as Rouge

    return RougeScorer(chosen.name, chosen.kind, Rouge([chosen.kind], use_stemmer=chosen.stem))
