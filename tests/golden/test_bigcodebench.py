"""BigCodeBench-Hard: rows that need no further package, and what a missing package does.

With the packages installed and 60 s, the page's note says which canonical solutions pass.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import REPO

from harness.catalog import Binder, Task
from harness.config import pages
from harness.data.rows import Loader
from harness.datatypes import ChatPrompt, Completion, Failure, Sample, Score, Style, Tests
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

pytestmark = pytest.mark.slow

# Rows whose programs need Python alone, and little time
PLAIN = ("BigCodeBench/13", "BigCodeBench/15", "BigCodeBench/19")


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """The sandbox that a run would choose, with time for a busy machine."""
    made = Services("auto", Limits(wall_seconds=60.0))
    yield made
    made.close()


def bound(mirror: Path, services: Services, style: Style, variant: str = "") -> Task:
    page, source = pages.task_page("bigcodebench_hard")
    if variant:
        page, source = pages.task_page("bigcodebench_hard", ("the variant", dict(page.variants[variant])))
    return Binder(Loader(mirror), style).bind(page, source, page_scorers(page, source, services.tools()))


def judged(task: Task, sample: Sample, answer: str) -> Score | Failure:
    prompts = {request.sample_id: request.prompt for request in task.requests}
    return task.scorers[0].score_or_failure(sample, prompts[sample.id], Completion("key", answer, "eos"))


@pytest.mark.parametrize("name", PLAIN)
def test_canonical_solutions_pass_and_stubs_fail(mirror: Path, services: Services, name: str) -> None:
    task = bound(mirror, services, "text")
    sample = task.sample_of()[name]
    right = judged(task, sample, sample.inputs["canonical_solution"])
    wrong = judged(task, sample, "    pass\n")
    assert isinstance(right, Score) and right.value == 1.0, right
    assert isinstance(wrong, Score) and wrong.value == 0.0
    assert wrong.failure is not None and "tests failed; test_" in wrong.failure.message


def test_a_chat_answer_is_taken_out_of_its_fence(mirror: Path, services: Services) -> None:
    task = bound(mirror, services, "chat", "instruct")
    sample = task.sample_of()["BigCodeBench/19"]
    prompt = task.requests[0].prompt
    assert isinstance(prompt, ChatPrompt)
    assert prompt.messages[0].content.startswith("Please provide a self-contained Python script that solves")
    assert prompt.messages[0].content.endswith("```\n") and "docstring" not in prompt.messages[0].content
    assert prompt.prefill.endswith("corresponding tests:\n```python\n")
    score = judged(task, sample, f"{sample.gold}\n```\nIt zips.")
    assert isinstance(score, Score) and score.value == 1.0, score


def test_a_row_whose_package_is_missing_is_unscored_with_its_name(mirror: Path, services: Services) -> None:
    task = bound(mirror, services, "text")
    sample = task.sample_of()["BigCodeBench/19"]
    assert isinstance(sample.reference, Tests)
    lacking = replace(sample, reference=replace(sample.reference, packages=("no-such-package",)))
    found = judged(task, lacking, sample.inputs["canonical_solution"])
    assert isinstance(found, Failure) and found.ours and "no-such-package" in found.message


def test_the_packages_of_a_row_are_those_that_it_imports() -> None:
    script: dict[str, Any] = runpy.run_path(str(REPO / "tasks/code/bigcodebench_hard.py"))
    assert script["imported"]("import os, numpy.linalg\nfrom sklearn.svm import SVC\ndef f():\n    import bs4") == {
        "numpy",
        "sklearn",
        "bs4",
    }
    row = {"code_prompt": "import no_such_thing\ndef f():\n", "canonical_solution": "    return 1", "test": "import os"}
    assert "no_such_thing" in script["prepare"](row)["packages"]


@pytest.mark.parametrize("variant", ["v0_1_2", "v0_1_0_hf"])
def test_older_texts_can_be_chosen(mirror: Path, services: Services, variant: str) -> None:
    assert len(bound(mirror, services, "text", variant).samples) == 148
