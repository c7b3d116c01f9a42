"""pass@k as an `evaluate` metric: the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), mean over problems.

evaluate.load("harness/metrics/pass_at_k").compute(predictions=[[0, 1, 1], [0, 0, 0]], k=[1, 2])
{"pass@1": 0.3333333333333333, "pass@2": 0.5}
"""

from __future__ import annotations

import statistics

import datasets
import evaluate

from harness.stats.pass_at_k import pass_at_k

_DESCRIPTION = "The chance that at least one of k answers to a problem is right; unbiased, mean over problems."
_INPUTS = """
Args:
    predictions: for each problem, a list with one 0 or 1 for each answer, in any order.
    k: the values of k, each at most the number of answers to every problem (default [1]).
Returns:
    {"pass@<k>": float} for each k.
"""
_CITATION = "Chen et al. 2021, Evaluating Large Language Models Trained on Code, arXiv:2107.03374"


class PassAtK(evaluate.Metric):
    """Mean of the unbiased pass@k over problems; no references are needed."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": datasets.Sequence(datasets.Value("int64"))}),
        )

    def _compute(self, predictions: list[list[int]], k: list[int] | tuple[int, ...] = (1,)) -> dict[str, float]:
        """Raise ValueError for a value other than 0 and 1, or a k beyond the number of answers."""
        if any(value not in (0, 1) for answers in predictions for value in answers):
            raise ValueError("predictions must be lists of 0 (wrong) and 1 (right), one list a problem")
        return {
            f"pass@{size}": statistics.fmean(pass_at_k(len(answers), sum(answers), size) for answers in predictions)
            for size in k
        }
