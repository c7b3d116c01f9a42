"""HumanEval-X in every language found here, through the whole command: its own solutions pass, wrong ones do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

from harness import plugins

# Language of the sandbox, folder of the data set, a body that is wrong everywhere and compiles almost everywhere
SETS = [
    ("cpp", "cpp", "  return {};\n}\n"),
    ("javascript", "js", "  return 0\n}\n"),
    ("go", "go", "  panic(1)\n}\n"),
    ("rust", "rust", "  Default::default()\n}\n"),
]
FOUND = [kind for kind in SETS if plugins.load("language", kind[0]).build().missing() is None]
# A dozen rows here; all of them pass but those that the pages name
ROWS = slice(0, 160, 15)


@pytest.mark.parametrize(("language", "folder", "wrong"), FOUND, ids=[kind[0] for kind in FOUND])
def test_canonical_solutions_pass_and_wrong_ones_fail(cli: Any, mirror: Path, tmp_path: Path, language, folder, wrong):
    rows = read_jsonl(mirror / f"THUDM/humaneval-x/{folder}/test.jsonl")[ROWS]
    for body, passes in ((None, True), (wrong, False)):
        page = f"humanevalx_{folder}"
        answers = [
            {"task": page, "sample_id": row["task_id"], "completion": body or row["canonical_solution"]} for row in rows
        ]
        file = write_jsonl(tmp_path / "answers.jsonl", answers)
        words = ("run", "--engine", "scripted", "--completions", file, "--tasks", page, "--mirror", mirror)
        cli(*words, "--out", f"run-{passes}")
        records = read_jsonl(Path(f"run-{passes}/records.jsonl"))
        known = {row["task_id"] for row in rows}
        scores = {r["request"]["sample_id"]: r["scores"][0]["value"] for r in records}
        found = {name: scores[name] for name in known}
        assert set(found.values()) == {1.0 if passes else 0.0}, found
