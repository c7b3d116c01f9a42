"""HumanEval-X in every language found here, through the whole command: its own solutions pass, wrong ones do not."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl

from harness import plugins

pytestmark = pytest.mark.slow

# Language of the sandbox, folder of the data set, a body that is wrong everywhere and compiles almost everywhere
SETS = [
    ("cpp", "cpp", "  return {};\n}\n"),
    ("java", "java", "  throw new RuntimeException();\n}\n}\n"),
    ("javascript", "js", "  return 0\n}\n"),
    ("go", "go", "  panic(1)\n}\n"),
    ("rust", "rust", "  Default::default()\n}\n"),
]
# The same for MultiPL-E, whose pages have solutions of the first three rows
TRANSLATED = [
    ("cpp", "cpp", "    return {};"),
    ("java", "java", "        throw new RuntimeException();"),
    ("javascript", "js", "  return 0\n}\n"),
    ("rust", "rs", "    Default::default()"),
    ("go", "go", "\tpanic(1)\n}\n"),
    ("bash", "sh", "    echo 7"),
    ("php", "php", "    return 7;\n}\n"),
]


def here(kinds: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Those whose toolchain is installed: a missing one is no fault of this project."""
    return [kind for kind in kinds if plugins.load("language", kind[0]).build().missing() is None]


FOUND = here(SETS)
FOUND_TRANSLATED = here(TRANSLATED)
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


@pytest.mark.parametrize(("language", "folder", "wrong"), FOUND_TRANSLATED, ids=[k[1] for k in FOUND_TRANSLATED])
def test_translated_rows_pass_with_a_right_program_and_fail_with_a_wrong_one(
    cli: Any, mirror: Path, tmp_path: Path, language, folder, wrong
):
    page = f"multipl_e_{folder}"
    rows = read_jsonl(mirror / f"nuprl/MultiPL-E/humaneval-{folder}/test.jsonl")[:3]
    solutions = runpy.run_path(str(REPO / f"tasks/code/{page}.py"))["SOLUTIONS"]
    for passes in (True, False):
        answers = [
            {"task": page, "sample_id": row["name"], "completion": solutions[row["name"]] if passes else wrong}
            for row in rows
        ]
        file = write_jsonl(tmp_path / "answers.jsonl", answers)
        words = ("run", "--engine", "scripted", "--completions", file, "--tasks", page, "--mirror", mirror)
        seen = cli(*words, "--limit", 3, "--out", f"run-{passes}")
        assert seen.code == 0, seen.err
        records = read_jsonl(Path(f"run-{passes}/records.jsonl"))
        assert [record["scores"][0]["value"] for record in records] == [float(passes)] * 3, records
