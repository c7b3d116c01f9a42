r"""The extracted answer is a right one in Minerva's writing, or equal to it (exact_match of minerva_math).

Both are rewritten as the Minerva paper does (`maths.minerva`). The same text is right; else the run's math judge
decides, where lm-evaluation-harness 0.4.13 lets sympy subtract one from the other. The two differ where sympy's parser
reads the beginning of a text only ("5, 6" is 5), takes a word for a product of letters, or reads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Failure, Reference, Sample, Score
from harness.scoring.base import MathJudge, Scorer, Tools, right_answers
from harness.scoring.math_judge import OUR_REASONS
from harness.scoring.maths.minerva import normalised
from harness.scoring.options import ScorerOptions, checked_options


@dataclass(slots=True)
class Minerva:
    """Scores by equality after Minerva's normalisation."""

    name: str
    judge: Callable[[], MathJudge]
    binary: bool = True
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "math"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where the answer is the same text as a right one, or equal to it."""
        given = normalised(answer)
        golds = [normalised(gold) for gold in right_answers(sample.reference)]
        reason, undecided = "empty", ""
        # The same text first: it needs no verdict
        for gold in sorted(golds, key=lambda gold: gold != given):
            verdict, reason = (True, "same_text") if given == gold else self.judge().equal(gold, given)
            if verdict:
                return Score(
                    self.name, 1.0, answer, f"{given!r} equals {gold!r}", detail={"decided": reason, "vote": gold}
                )
            if verdict is None:
                undecided = reason
        if undecided:
            ours = undecided in OUR_REASONS
            message = f"no verdict on {given[:80]!r}: {undecided}"
            failure = Failure(stage="score", kind=undecided, message=message, ours=ours)
            return Score(self.name, None if ours else 0.0, answer, message, failure)
        return Score(
            self.name, 0.0, answer, f"{given!r} equals no right answer", detail={"decided": reason, "vote": given}
        )


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ScorerOptions. Raises ConfigError."""
    return Minerva(checked_options(ScorerOptions, options, "scorer 'minerva'").name, tools.math)
