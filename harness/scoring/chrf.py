"""chrF of one completion against the reference texts, by sacrebleu, and the counts that the metric `chrf` sums.

The value is chrF of the one text from 0 to 1, for comparisons of samples; publish the corpus's, metric `chrf`. Of
several references the best one counts. `word_order: 2` is chrF++. Without an answer it is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness import plugins
from harness.datatypes import Answer, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, right_answers
from harness.scoring.options import ScorerOptions, checked_options


class _Chrf(Protocol):
    """What is used of sacrebleu's class, whose public functions give no counts."""

    def _extract_corpus_statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Any: ...

    def _compute_score_from_stats(self, stats: list[int]) -> Any: ...


@dataclass(slots=True)
class ChrfScorer:
    """Scores by matching n-grams of characters."""

    name: str
    chrf: _Chrf
    binary: bool = False
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "text"
    details: tuple[str, ...] = ("chrf",)

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Return chrF against the best reference."""
        columns = [[text] for text in right_answers(sample.reference)]
        (counts,) = self.chrf._extract_corpus_statistics([answer], columns)
        score = self.chrf._compute_score_from_stats(counts).score
        return Score(self.name, min(1.0, score / 100), answer, f"chrF {score:.1f}", detail={"chrf": counts})

    def of_nothing(self, sample: Sample) -> Mapping[str, Any]:
        """Return the counts of an empty text, whose reference still has n-grams."""
        return self.score_answer(sample, "").detail


class ChrfOptions(ScorerOptions):
    """`word_order`: words in a row that count besides characters: 0, or 2 for chrF++; `ignore_case`: A is a."""

    word_order: Literal[0, 1, 2] = 0
    ignore_case: bool = False


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ChrfOptions. Raises ConfigError, also where sacrebleu is not installed."""
    chosen = checked_options(ChrfOptions, options, "scorer 'chrf'")
    plugins.require("sacrebleu", "text", "scorer 'chrf'")
    from sacrebleu.metrics import CHRF

    return ChrfScorer(chosen.name, CHRF(word_order=chosen.word_order, lowercase=chosen.ignore_case))
