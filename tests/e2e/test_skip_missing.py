"""`--skip-missing` leaves out tasks that this machine cannot run, and says so wherever the score is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from files import SUMS_PAGE, write_jsonl

from harness import plugins
from harness.execution.languages import go

PROGRAM = """\
name: gophers
version: 1
data: {path: ./sums.jsonl, split: test, columns: [id, a, b, total], id: "{{ id }}"}
reference: {tests: {language: go, tests: "package main"}}
prompt: {text: {template: "{{ a }}"}}
sampling: {max_tokens: 5}
score: [{by: unit_tests}]
metric: [mean]
"""


@pytest.fixture
def suite(sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """A run of three tasks, of which one needs Go and one a package, and neither is here."""
    monkeypatch.setattr(go.toolchain, "find", lambda name: None)
    spec = plugins.importlib.util.find_spec
    monkeypatch.setattr(plugins.importlib.util, "find_spec", lambda name: None if name == "sacrebleu" else spec(name))
    (tmp_path / "gophers.yaml").write_text(PROGRAM, encoding="utf-8")
    text = SUMS_PAGE.replace("name: sums", "name: prose").replace("by: exact_match", "by: chrf")
    (tmp_path / "prose.yaml").write_text(text, encoding="utf-8")
    answers = write_jsonl(
        tmp_path / "a.jsonl", [{"task": "sums", "sample_id": f"s{i}", "completion": f"{3 * i}"} for i in range(10)]
    )
    return (
        *("run", "--engine", "scripted", "--completions", answers, "--out", "run"),
        *("--tasks", "./sums.yaml,./gophers.yaml,./prose.yaml"),
    )


def test_without_it_what_is_missing_is_refused(cli: Callable, suite: tuple[object, ...]) -> None:
    seen = cli(*suite)
    assert seen.code in (2, 3) and "sacrebleu" in seen.err


def test_what_is_left_out_is_named_in_every_place(cli: Callable, suite: tuple[object, ...]) -> None:
    seen = cli(*suite, "--skip-missing")
    assert seen.code == 0, seen.err
    line = "only 1 of 3 tasks were run (--skip-missing); left out: "
    assert line in " ".join(seen.out.split())
    manifest = json.loads(Path("run/manifest.json").read_text())
    assert set(manifest["left_out"]) == {"gophers", "prose"}
    assert manifest["left_out"]["gophers"].startswith("go: go is not installed")
    assert manifest["left_out"]["prose"] == "sacrebleu: pip install 'harness[text]'"
    assert list(manifest["tasks"]) == ["sums"]
    (warning,) = [one for one in json.loads(Path("run/scores.json").read_text())["warnings"] if line in one]
    assert "gophers" in warning and "prose" in warning
    assert line in " ".join(Path("run/table.md").read_text().split())
    again = cli(*suite, "--skip-missing")
    assert again.code == 0 and "finished already" in again.out
    assert "left out  2 tasks" in cli(*suite, "--skip-missing", "--dry-run").out


def test_a_gate_of_a_task_that_was_left_out_fails(cli: Callable, suite: tuple[object, ...]) -> None:
    seen = cli(*suite, "--skip-missing", "--fail-under", "gophers=0.1")
    assert seen.code == 1 and "gate failed: gophers was left out of the run" in seen.err


def test_a_suite_of_nothing_is_refused(cli: Callable, suite: tuple[object, ...]) -> None:
    seen = cli(*suite[:-1], "./gophers.yaml", "--skip-missing")
    assert seen.code == 2 and "leaves no task" in seen.err and "gophers (go: " in seen.err


def test_a_run_of_all_tasks_has_no_such_key(cli: Callable, suite: tuple[object, ...]) -> None:
    assert cli(*suite[:-1], "./sums.yaml", "--skip-missing").code == 0
    assert "left_out" not in json.loads(Path("run/manifest.json").read_text())
