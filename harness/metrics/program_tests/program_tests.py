"""Unit tests of programs as an `evaluate` metric, in the harness's sandbox: pass@k over candidates and tests.

    evaluate.load("harness/metrics/program_tests").compute(
        predictions=[["def f(): return 1", "def f(): return 2"]], references=["assert f() == 1"], k=[1, 2])
    {"pass@1": 0.5, "pass@2": 1.0, "statuses": [["passed", "failed"]]}

Untrusted programs run only isolated from this machine: where no sandbox works, it raises SandboxError.
"""

from __future__ import annotations

from types import MappingProxyType

import datasets

from harness.datatypes import Tests
from harness.errors import SandboxError
from harness.execution.base import Job, Limits
from harness.execution.choose import open_sandbox
from harness.metrics import module


class ProgramTests(module.Module):
    """pass@k by running programs."""

    description = "pass@k of programs that run against unit tests in a sandbox."
    inputs = """
Args:
    predictions: for each problem, a list of candidate programs.
    references: for each problem, the program text that tests a candidate (it runs after it).
    k: the values of k, each at most the number of candidates to every problem (default [1]).
    language: what the programs are written in (default "python").
    wall_seconds: the longest that one program may run (default 10).
    sandbox: "auto" or the name of a harness sandbox.
Returns:
    {"pass@<k>": float} for each k, and statuses: what became of each candidate.
"""
    columns = MappingProxyType({"predictions": datasets.Sequence(module.TEXT), "references": module.TEXT})

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
            for candidates, source in zip(predictions, references, strict=True):
                tests = Tests(language, tests=source)
                verdicts = [running.run(Job(candidate, tests), limits) for candidate in candidates]
                for verdict in verdicts:
                    if verdict.status == "infra":
                        raise SandboxError(f"a program could not be run: {verdict.message}")
                statuses.append([verdict.status for verdict in verdicts])
        finally:
            running.close()
        rates = module.pass_at_k([[status == "passed" for status in each] for each in statuses], k)
        return {**rates, "statuses": statuses}
