"""An engine of another package, installed by its entry point."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from files import SUMS_PAGE, read_jsonl

from harness.datatypes import Record
from harness.run import Result

ENGINE = '''
from harness.datatypes import Completion
from harness.engines.base import Capabilities, EngineFacts, PromptSize


class ByTask:
    """Answers 6 to one task and 7 to the other, whatever the prompt."""

    {declared}

    def facts(self):
        return EngineFacts("by_task", "third-party", "text")

    def check(self, requests):
        pass

    def measure(self, request):
        return PromptSize(None, 0, 0, "")

    def load(self):
        pass

    def stream(self, requests):
        for request in requests:
            yield Completion(request.key, " 6" if request.task == "sums" else " 7", "eos")

    def close(self):
        pass


def build(spec, options):
    return ByTask()
'''


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> Path:
    """Install the package with its engine; return the file of the engine."""
    package = tmp_path / "site"
    info = package / "by_task-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: by_task\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harness.engine]\nby_task = by_task_engine\n")
    (package / "by_task_engine.py").write_text(engine)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "by_task_engine", raising=False)
    return package / "by_task_engine.py"


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("", {"sums": " 6", "again": " 7"}),
        ("capabilities = lambda self: Capabilities(answers_by='task')", {"sums": " 6", "again": " 7"}),
        ("capabilities = lambda self: Capabilities(answers_by='prompt')", {"sums": " 6", "again": " 6"}),
    ],
)
def test_an_engine_gets_the_requests_of_each_task_unless_it_answers_by_prompt(
    cli, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, seen: dict[str, str]
) -> None:
    installed(tmp_path, monkeypatch, ENGINE.replace("{declared}", declared))
    (tmp_path / "again.yaml").write_text(SUMS_PAGE.replace("name: sums", "name: again"))
    done = cli("run", "--engine", "by_task", "--tasks", "./sums.yaml,./again.yaml", "--limit", 1, "--out", "run")
    assert done.code == 0, done.err
    rows = read_jsonl(tmp_path / "run" / "records.jsonl")
    assert len({str(row["request"]["prompt"]) for row in rows}) == 1, "both tasks have the same prompt"
    answers = {row["request"]["task"]: row["reply"]["text"] for row in rows}
    assert answers == seen


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ("requests[:7]", "the engine by_task gave no reply to 3 of 10 requests (the first: key "),
        (
            "[*requests[:7], replace(requests[7], key='unknown')]",
            "replied to a request that it did not get (key 'unknown')",
        ),
    ],
)
def test_an_engine_that_replies_to_less_or_to_something_else_finishes_no_run(
    cli, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replies: str, said: str
) -> None:
    """One line says so and names the engine, the answers are kept, and the same command resumes once it is fixed."""
    whole = "from dataclasses import replace\n" + ENGINE.replace("{declared}", "")
    file = installed(tmp_path, monkeypatch, whole.replace("in requests:", f"in {replies}:"))
    words = ("run", "--engine", "by_task", "--tasks", sums, "--out", "run")
    seen = cli(*words)
    assert (seen.code, seen.out) == (3, ""), seen.err
    assert said in seen.err and "by_task" in seen.err and "internal error" not in seen.err
    assert len(read_jsonl(tmp_path / "run" / "records.jsonl")) == 7
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "running"
    file.write_text(whole)
    monkeypatch.delitem(sys.modules, "by_task_engine")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    again = cli(*words)
    assert again.code == 0, again.err
    assert len(read_jsonl(tmp_path / "run" / "records.jsonl")) == 10


def test_the_texts_of_a_run_are_not_read_again_where_no_verdicts_are_recorded(
    cli, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts of a large run may take more memory than there is; only a file of completions has verdicts."""
    installed(tmp_path, monkeypatch, ENGINE.replace("{declared}", ""))

    def read(self: Result) -> tuple[Record, ...]:
        raise AssertionError("the whole journal was read")

    monkeypatch.setattr(Result, "records", property(read))
    seen = cli("run", "--engine", "by_task", "--tasks", sums, "--out", "run")
    assert seen.code == 0, seen.err
