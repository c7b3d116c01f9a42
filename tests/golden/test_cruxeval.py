"""CRUXEval: the page's verdicts are those of its makers on their models' recorded answers.

Every 67th answer of each file; every 11th with `make test-slow`. All 11,200 were compared once, and agree.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.catalog import Binder, Task
from harness.config import pages
from harness.data.rows import Loader
from harness.datatypes import Completion, Style
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

SOME, MORE = 67, 11


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """The sandbox that a run would choose."""
    made = Services("auto", Limits())
    yield made
    made.close()


def bound(name: str, style: Style, mirror: Path, services: Services, variant: str = "") -> Task:
    page, source = pages.task_page(name)
    if variant:
        page, source = pages.task_page(name, ("the variant", dict(page.variants[variant])))
    return Binder(Loader(mirror), style).bind(page, source, page_scorers(page, source, services.tools()))


def values(task: Task, answers: list[tuple[str, str]]) -> list[float | None]:
    """The scores of (sample id, completion)."""
    samples, prompts = task.sample_of(), {request.sample_id: request.prompt for request in task.requests}

    def value(answer: tuple[str, str]) -> float | None:
        name, text = answer
        return task.scorers[0].score(samples[name], prompts[name], Completion("key", text, "eos")).value

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(value, answers))


@pytest.mark.parametrize("kind", ["input", "output"])
@pytest.mark.parametrize("stride", [SOME, pytest.param(MORE, marks=pytest.mark.slow)])
def test_verdicts_are_those_of_the_makers(
    shared: Path, mirror: Path, services: Services, kind: str, stride: int
) -> None:
    rows: list[dict[str, Any]] = []
    for file in sorted((shared / "recorded").glob(f"cruxeval_{kind}.*")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows += list(map(json.loads, lines))[::stride]
    task = bound(f"cruxeval_{kind[0]}", "text", mirror, services)
    found = values(task, [(row["sample_id"], row["completion"]) for row in rows])
    assert len(rows) > 5000 / stride
    differ = [
        (row["sample_id"], row["completion"])
        for row, value in zip(rows, found, strict=True)
        if value != float(row["verdict"])
    ]
    assert differ == []


@pytest.mark.parametrize(
    ("name", "answer", "value"),
    [
        # sample_3: f(text, value) appends; f('bcksrut', 'q') is 'bcksrutq'
        ("cruxeval_i", "assert f('bcksrut', 'q') == 'bcksrutq'\n", 1),
        ("cruxeval_i", "f('bcksru', 'tq')", 1),
        ("cruxeval_i", "[ANSWER]\nf('bcksru', 'tq')\n[/ANSWER] or", 1),
        ("cruxeval_i", "'bcksrutq'", 0),
        ("cruxeval_i", "f('x', 'y') or True", 0),
        ("cruxeval_o", "assert f('bcksrut', 'q') == 'bcksrutq'\n", 1),
        ("cruxeval_o", "'bcksrut' + 'q'", 1),
        ("cruxeval_o", "f('bcksrut', 'q')", 0),
        ("cruxeval_o", "f( 'bcksrut', 'q' )", 0),
        ("cruxeval_o", "bcksrutq", 0),
    ],
)
def test_answers_in_the_forms_that_models_write(
    mirror: Path, services: Services, name: str, answer: str, value: int
) -> None:
    for style in ("text", "chat"):
        assert values(bound(name, style, mirror, services), [("sample_3", answer)]) == [value]


@pytest.mark.parametrize("name", ["cruxeval_i", "cruxeval_o"])
def test_the_answer_behind_a_thought_counts(mirror: Path, services: Services, name: str) -> None:
    task = bound(name, "chat", mirror, services, "cot")
    thought = "It appends, so f('a') == 'b' is no help.\n[/THOUGHT]\n[ANSWER]\n"
    right = thought + "assert f('bcksrut', 'q') == 'bcksrutq'\n"
    assert values(task, [("sample_3", right), ("sample_3", thought)]) == [1.0, 0.0]
