"""BLEU of one completion against the reference texts, by sacrebleu, and the counts that the metric `bleu` sums.

The value is sentence BLEU from 0 to 1 (with effective order), for comparisons of samples; publish the corpus's, metric
`bleu`. Without an answer it is 0, and the counts are those of an empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from harness import plugins
from harness.datatypes import Answer, Reference, Sample, Score
from harness.scoring.base import Scorer, Tools, right_answers
from harness.scoring.options import ScorerOptions, checked_options


class _Bleu(Protocol):
    """What is used of sacrebleu's class."""

    def sentence_score(self, hypothesis: str, references: list[str]) -> Any:
        """Return score, sys_len, ref_len, counts and totals."""


@dataclass(slots=True)
class BleuScorer:
    """Scores by matching n-grams of words."""

    name: str
    bleu: _Bleu
    binary: bool = False
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "text"
    details: tuple[str, ...] = ("bleu",)

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Return sentence BLEU against all references together."""
        found = self.bleu.sentence_score(answer, list(right_answers(sample.reference)))
        counts = [found.sys_len, found.ref_len, *found.counts, *found.totals]
        value = min(1.0, found.score / 100)
        return Score(self.name, value, answer, f"BLEU {found.score:.1f}", detail={"bleu": counts})

    def of_nothing(self, sample: Sample) -> Mapping[str, Any]:
        """Return the counts of an empty text, whose reference is still as long."""
        return self.score_answer(sample, "").detail


class BleuOptions(ScorerOptions):
    """`tokenize`: how sacrebleu splits words (`13a` as papers do; `zh`, `char`); `ignore_case`: A is a."""

    tokenize: Literal["13a", "intl", "zh", "char", "none"] = "13a"
    ignore_case: bool = False


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from BleuOptions. Raises ConfigError, also where sacrebleu is not installed."""
    chosen = checked_options(BleuOptions, options, "scorer 'bleu'")
    plugins.require("sacrebleu", "text", "scorer 'bleu'")
    from sacrebleu.metrics import BLEU

    return BleuScorer(
        chosen.name, BLEU(tokenize=chosen.tokenize, lowercase=chosen.ignore_case, effective_order=True, force=True)
    )
