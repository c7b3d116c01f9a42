"""pass@k as an `evaluate` metric: the unbiased estimate of Chen et al. 2021 (arXiv 2107.03374), mean over problems.

evaluate.load("harness/metrics/pass_at_k").compute(predictions=[[0, 1, 1], [0, 0, 0]], k=[1, 2])
{"pass@1": 0.3333333333333333, "pass@2": 0.5}
"""

from __future__ import annotations

from types import MappingProxyType

import datasets

from harness.metrics import module


class PassAtK(module.Module):
    """Mean of the unbiased pass@k over problems; no references are needed."""

    description = "The chance that at least one of k answers to a problem is right; unbiased, mean over problems."
    inputs = """
Args:
    predictions: for each problem, a list with one 0 or 1 for each answer, in any order.
    k: the values of k, each at most the number of answers to every problem (default [1]).
Returns:
    {"pass@<k>": float} for each k.
"""
    paper = "Chen et al. 2021, Evaluating Large Language Models Trained on Code, arXiv:2107.03374"
    columns = MappingProxyType({"predictions": datasets.Sequence(datasets.Value("int64"))})

    def _compute(self, predictions: list[list[int]], k: list[int] | tuple[int, ...] = (1,)) -> dict[str, float]:
        """Raise ValueError for a value other than 0 and 1, or a k beyond the number of answers."""
        if any(value not in (0, 1) for answers in predictions for value in answers):
            raise ValueError("predictions must be lists of 0 (wrong) and 1 (right), one list a problem")
        return module.pass_at_k([[value == 1 for value in answers] for answers in predictions], k)
