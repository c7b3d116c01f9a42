r"""Mathematical equality as an `evaluate` metric: the share of predictions that equal their reference.

    evaluate.load("harness/metrics/math_equality").compute(
        predictions=[r"So \boxed{\frac{1}{2}}.", "3"], references=["0.5", "4"])
    {"math_equality": 0.5, "undecided": 0, "unextracted": 0}

math-verify decides in a process of its own that is killed at its deadline, so that no prediction can hang it.
"""

from __future__ import annotations

from harness.metrics import module
from harness.scoring.math_judge import ProcessMathJudge


class MathEquality(module.Module):
    """Share of mathematically equal answers."""

    description = "Share of predictions that are mathematically equal to their reference."
    inputs = """
Args:
    predictions: texts; the answer is read out of each by `extract`.
    references: right answers, LaTeX or plain, one a prediction.
    extract: name or mapping of a harness extractor (default "math"; "text" takes a prediction as it is).
    seconds: the longest that one comparison may take (default 6).
Returns:
    math_equality: float; undecided and unextracted: how many counted as wrong for want of a verdict or an answer.
"""

    def _compute(
        self,
        predictions: list[str],
        references: list[str],
        extract: str | dict[str, object] = "math",
        seconds: float = 6.0,
    ) -> dict[str, float]:
        with ProcessMathJudge(seconds=seconds) as judge:
            scores = module.scores({"by": "math_equality", "extract": extract}, predictions, references, judge)
        return {
            "math_equality": sum(score.value or 0.0 for score in scores) / len(scores),
            "undecided": sum(score.answer is not None and score.failure is not None for score in scores),
            "unextracted": sum(score.answer is None for score in scores),
        }
