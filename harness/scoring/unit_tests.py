"""The program in the completion passes the sample's tests, run in the sandbox.

A program that passes scores 1. One that does anything wrong (fails, crashes, runs too long, uses too much memory, exits
before its tests end) scores 0, and the failure's kind is the sandbox's status. Only a fault of the sandbox leaves the
sample unscored. The message of a failure mentions braces that fit no known form (cut, or without a beginning).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness import plugins
from harness.datatypes import Failure, Reference, Sample, Score, Tests
from harness.execution.base import Job, Limits, Sandbox, Verdict
from harness.execution.languages.forms import Shape, misfit
from harness.scoring.base import Scorer, Tools
from harness.scoring.options import ScorerOptions, checked_options

# Verdicts that a completion in an unknown form gets
_UNREAD = ("compile_error", "error", "failed")


@dataclass(slots=True)
class UnitTests:
    """Scores by running the program. `verbatim`: a chat answer fills a gap to the letter too."""

    name: str
    sandbox: Callable[[], Sandbox]
    limits: Limits
    verbatim: bool = False
    binary: bool = True
    references: tuple[type[Reference], ...] = (Tests,)
    extractor: str = "code"

    def score_answer(self, sample: Sample, answer: str) -> Score:
        """Run the extracted program against the sample's tests."""
        assert isinstance(sample.reference, Tests)
        return self._run(Job(answer, sample.reference))

    def score_chat_answer(self, sample: Sample, answer: str) -> Score:
        """Run an answer that repeats the whole function in place of prelude and suffix; any other as `score_answer`."""
        assert isinstance(sample.reference, Tests)
        tests = sample.reference
        return self._run(Job(answer, tests if self.verbatim else _without_gap(tests, answer)))

    def _run(self, job: Job) -> Score:
        return self._scored(job, self.sandbox().run(job, self.limits))

    def _scored(self, job: Job, verdict: Verdict) -> Score:
        program = job.candidate
        detail: dict[str, Any] = {
            "status": verdict.status,
            "seconds": round(verdict.seconds, 4),
            "check": verdict.check,
        }
        if verdict.status == "passed":
            return Score(self.name, 1.0, program, "all tests passed", detail=detail)
        ours = verdict.status == "infra"
        message = verdict.message or verdict.status
        if verdict.status in _UNREAD and (misfit := _misfit(job)):
            message, detail["form"] = f"{misfit}: {message}", "unknown"
        failure = Failure(stage="execute", kind=verdict.status, message=message, ours=ours)
        return Score(self.name, None if ours else 0.0, program, message, failure, detail)


def _without_gap(tests: Tests, answer: str) -> Tests:
    """The tests as the language has them for a chat answer, which may repeat the function that it should fill."""
    change = getattr(plugins.load("language", tests.language), "without_gap", None) if tests.suffix else None
    return change(tests, answer) if change is not None else tests


def _misfit(job: Job) -> str:
    """Why the completion has none of the forms in which its language takes one; empty where it has."""
    check = _check_of(job.tests.language)
    return check(job) if check is not None else ""


@functools.cache
def _check_of(language: str) -> Callable[[Job], str] | None:
    """A language's own `misfit(job)`, or the one of its shape."""
    module = plugins.load("language", language)
    shape: Shape | None = getattr(module, "SHAPE", None)
    return getattr(module, "misfit", None) if shape is None else functools.partial(misfit, shape=shape)


def build(options: Mapping[str, Any], tools: Tools) -> Scorer:
    """Build from ScorerOptions. Raises ConfigError."""
    chosen = checked_options(ScorerOptions, options, "scorer 'unit_tests'")
    verbatim = isinstance(chosen.extract, Mapping) and chosen.extract.get("verbatim") is True
    return UnitTests(chosen.name, tools.sandbox, tools.limits, verbatim)
