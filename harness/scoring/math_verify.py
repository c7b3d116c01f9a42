r"""What math-verify itself finds in a completion equals what it finds in the right solution.

Neither our extractor nor our readings take part, so that numbers compare with lm-evaluation-harness's `math_verify` and
with others who call `verify(parse(gold), parse(completion))`. It runs in a process of the run's math judge, with a
deadline; values that math-verify takes for equal though they are not are guarded (`maths.algebra`). It finds nothing in
bare LaTeX without a box or delimiters: `math_equality` reads more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Answer, Failure, Reference, Sample, Score
from harness.scoring.base import MathJudge, Scorer, Tools, misused, right_answers
from harness.scoring.math_judge import OUR_REASONS
from harness.scoring.options import ScorerOptions, checked_options

# The end of a completion is what explains a score to a reader
_SHOWN = 200


@dataclass(slots=True)
class MathVerify:
    """Scores by math-verify alone."""

    name: str
    judge: Callable[[], MathJudge]
    solution: str | None
    binary: bool = True
    references: tuple[type[Reference], ...] = (Answer,)
    extractor: str = "text"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Score 1 where the completion's answer is that of the solution."""
        shown = answer[-_SHOWN:]
        if self.solution is not None and self.solution not in sample.inputs:
            return misused(self.name, f"`solution` names the column {self.solution!r}, which the row does not have")
        texts = (
            [f"${gold}$" for gold in right_answers(sample.reference)]
            if self.solution is None
            else [str(sample.inputs[self.solution])]
        )
        undecided = ""
        for text in texts:
            verdict, reason = self.judge().found_equal(text, answer)
            if verdict:
                return Score(self.name, 1.0, shown, "math-verify finds the right answer", detail={"decided": reason})
            if verdict is None:
                undecided = reason
        if undecided:
            ours = undecided in OUR_REASONS
            message = f"no verdict: {undecided}"
            failure = Failure(stage="score", kind=undecided, message=message, ours=ours)
            return Score(self.name, None if ours else 0.0, shown, message, failure)
        return Score(self.name, 0.0, shown, "math-verify finds another answer, or none")


class MathVerifyOptions(ScorerOptions):
    """`solution`: the column with the right solution; without it, the right answers are formulas."""

    solution: str | None = None


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from MathVerifyOptions. Raises ConfigError."""
    chosen = checked_options(MathVerifyOptions, options, "scorer 'math_verify'")
    return MathVerify(chosen.name, tools.math, chosen.solution)
