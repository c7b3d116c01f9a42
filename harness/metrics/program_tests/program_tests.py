"""Unit tests of programs as an `evaluate` metric, in the harness's sandbox: pass@k over candidates and tests.

    evaluate.load("harness/metrics/program_tests").compute(
        predictions=[["def f(): return 1", "def f(): return 2"]], references=["assert f() == 1"], k=[1, 2])
    {"pass@1": 0.5, "pass@2": 1.0, "statuses": [["passed", "failed"]]}

Untrusted programs run only isolated from this machine: where no sandbox works, it refuses (SandboxError).
"""

from __future__ import annotations

import statistics

import datasets
import evaluate

from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits
from harness.execution.selection import open_sandbox
from harness.stats.pass_at_k import pass_at_k

_DESCRIPTION = "pass@k of programs that run against unit tests in a sandbox."
_INPUTS = """
Args:
    predictions: for each problem, a list of candidate programs.
    references: for each problem, the program text that tests a candidate (it stands after it).
    k: the values of k, each at most the number of candidates to every problem (default [1]).
    language: what the programs are written in (default "python").
    wall_seconds: the longest that one program may run (default 10).
    sandbox: "auto" or the name of a harness sandbox.
Returns:
    {"pass@<k>": float} for each k, and statuses: what became of each candidate.
"""


class ProgramTests(evaluate.Metric):
    """pass@k by running programs."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": datasets.Sequence(text), "references": text}),
        )

    def _compute(
        self,
        predictions: list[list[str]],
        references: list[str],
        k: list[int] | tuple[int, ...] = (1,),
        language: str = "python",
        wall_seconds: float = 10.0,
        sandbox: str = "auto",
    ) -> dict[str, object]:
        """Raise SandboxError where programs cannot be run safely, or one could not be run at all."""
        limits = Limits(wall_seconds=wall_seconds)
        statuses: list[list[str]] = []
        running = open_sandbox(sandbox)
        try:
            for candidates, tests in zip(predictions, references, strict=True):
                judged = Tests(language, tests=tests)
                verdicts = [running.run(Job(candidate, judged), limits) for candidate in candidates]
                for verdict in verdicts:
                    if verdict.status == "infra":
                        raise SandboxError(f"a program could not be run: {verdict.message}")
                statuses.append([verdict.status for verdict in verdicts])
        finally:
            running.close()
        rates = {
            f"pass@{size}": statistics.fmean(pass_at_k(len(each), each.count("passed"), size) for each in statuses)
            for size in k
        }
        return {**rates, "statuses": statuses}
