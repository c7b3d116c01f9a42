"""An engine of another package, installed by its entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from files import SUMS_PAGE, read_jsonl

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
    package = tmp_path / "site"
    info = package / "by_task-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: by_task\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harness.engine]\nby_task = by_task_engine\n")
    (package / "by_task_engine.py").write_text(ENGINE.replace("{declared}", declared))
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "by_task_engine", raising=False)
    (tmp_path / "again.yaml").write_text(SUMS_PAGE.replace("name: sums", "name: again"))
    done = cli("run", "--engine", "by_task", "--tasks", "./sums.yaml,./again.yaml", "--limit", 1, "--out", "run")
    assert done.code == 0, done.err
    rows = read_jsonl(tmp_path / "run" / "records.jsonl")
    assert len({str(row["request"]["prompt"]) for row in rows}) == 1, "both tasks have the same prompt"
    answers = {row["request"]["task"]: row["reply"]["text"] for row in rows}
    assert answers == seen
