"""What the `evaluate` modules of this package share: the description, extraction and scoring, and pass@k.

`evaluate` takes the first class in a module that is one of its own: modules import this one whole, not its class.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import datasets
import evaluate

from harness.datatypes import Answer, Completion, Sample, Score, TextPrompt
from harness.execution.base import Limits
from harness.scoring.base import MathJudge, Tools
from harness.scoring.factory import build_scorers
from harness.stats.pass_at_k import pass_at_k as pass_at_k_of

TEXT = datasets.Value("string")


class Module(evaluate.Metric):
    """An `evaluate` metric that is described by class variables; a subclass has `_compute`."""

    description: ClassVar[str]
    inputs: ClassVar[str]
    columns: ClassVar[Mapping[str, Any]] = {"predictions": TEXT, "references": TEXT}
    paper: ClassVar[str] = ""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=self.description,
            citation=self.paper,
            inputs_description=self.inputs,
            features=datasets.Features(dict(self.columns)),
        )


def scores(
    entry: Mapping[str, Any], predictions: Sequence[str], references: Sequence[str], judge: MathJudge | None = None
) -> list[Score]:
    """Score each prediction against its reference, as a page with this `score` entry does.

    Raises ValueError where there is no prediction, ConfigError for a wrong entry.
    """
    if not predictions:
        raise ValueError("there are no predictions to score")

    def math() -> MathJudge:
        assert judge is not None
        return judge

    (scorer,) = build_scorers([entry], Tools(sandbox=_no_sandbox, math=math, limits=Limits()))
    return [
        scorer.score(Sample(str(number), {}, Answer((reference,))), TextPrompt(""), Completion("", prediction, "stop"))
        for number, (prediction, reference) in enumerate(zip(predictions, references, strict=True))
    ]


def pass_at_k(passed: Sequence[Sequence[bool]], k: Sequence[int]) -> dict[str, float]:
    """Return pass@k for each k, the mean over problems; `passed` has one value for each answer to a problem."""
    return {
        f"pass@{size}": statistics.fmean(pass_at_k_of(len(answers), sum(answers), size) for answers in passed)
        for size in k
    }


def _no_sandbox() -> Any:
    raise AssertionError("answers are compared, not run")
