r"""The extracted answer is mathematically equal to a right one: `\frac12`, `0.5` and `1/2` are the same.

math-verify decides, in a process of the run's math judge. An answer without a verdict in time is the model's failure
(0, kind `timeout`), unless the right answer alone takes as long: then it is a fault of the harness, and unscored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Choice, Failure, Reference, Sample, Score
from harness.scoring.base import MathJudge, Scorer, Tools, no_digit, right_answers
from harness.scoring.math_judge import OUR_REASONS
from harness.scoring.maths.reading import tidied
from harness.scoring.options import ScorerOptions, checked_options


@dataclass(slots=True)
class MathEquality:
    """Scores by mathematical equality."""

    name: str
    judge: Callable[[], MathJudge]
    binary: bool = True
    references: tuple[type[Reference], ...] = (Answer, Choice)
    extractor: str = "math"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where any right answer equals the extracted one; detail keeps how it was decided."""
        undecided = ""
        reason = ""
        for gold in right_answers(sample.reference):
            verdict, reason = self.judge().equal(gold, answer)
            if verdict:
                return Score(
                    self.name, 1.0, answer, f"{answer!r} equals {gold!r}", detail={"decided": reason, "vote": gold}
                )
            if verdict is None:
                undecided = reason
        if undecided:
            return self._undecided(answer, undecided)
        golds = right_answers(sample.reference)
        detail = {"decided": reason, "vote": tidied(answer), **no_digit(answer, golds)}
        return Score(self.name, 0.0, answer, f"{answer!r} equals no right answer", detail=detail)

    def _undecided(self, answer: str, reason: str) -> Score:
        ours = reason in OUR_REASONS
        message = f"no verdict on {answer[:80]!r}: {reason}"
        failure = Failure(stage="score", kind=reason, message=message, ours=ours)
        return Score(self.name, None if ours else 0.0, answer, message, failure)


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ScorerOptions. Raises ConfigError."""
    return MathEquality(checked_options(ScorerOptions, options, "scorer 'math_equality'").name, tools.math)
