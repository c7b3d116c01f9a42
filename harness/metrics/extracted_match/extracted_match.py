r"""Exact match after extraction as an `evaluate` metric: the share of predictions whose answer is the reference.

evaluate.load("harness/metrics/extracted_match").compute(
    predictions=["3 + 4 = 7 apples", "none"], references=["7", "2"], extract="number")
{"extracted_match": 0.5, "unextracted": 1}
"""

from __future__ import annotations

from harness.metrics import module


class ExtractedMatch(module.Module):
    """Share of exact matches after extraction and clean-up."""

    description = "Share of predictions out of which exactly the reference can be read."
    inputs = """
Args:
    predictions: texts; the answer is read out of each by `extract`.
    references: right answers, one a prediction.
    extract: name or mapping of a harness extractor (default "text": the whole prediction).
    ignore: regular expressions that are removed from both sides first.
    ignore_case: drop case (default false).
    numeric: compare as numbers where both are, 70,000 is 70000.0 (default false).
Returns:
    extracted_match: float; unextracted: how many had no answer.
"""

    def _compute(
        self,
        predictions: list[str],
        references: list[str],
        extract: str | dict[str, object] = "text",
        ignore: list[str] | tuple[str, ...] = (),
        ignore_case: bool = False,
        numeric: bool = False,
    ) -> dict[str, float]:
        options = {"extract": extract, "ignore": list(ignore), "ignore_case": ignore_case, "numeric": numeric}
        scores = module.scores({"by": "exact_match", **options}, predictions, references)
        return {
            "extracted_match": sum(score.value or 0.0 for score in scores) / len(scores),
            "unextracted": sum(score.answer is None for score in scores),
        }
