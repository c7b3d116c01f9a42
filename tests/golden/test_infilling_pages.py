"""Infilling pages on rows of their form, cut from HumanEval: at lines, and in the middle of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

NAMES = {
    "single_line": "HumanEval-SingleLineInfilling",
    "multi_line": "HumanEval-MultiLineInfilling",
    "random_span": "HumanEval-RandomSpanInfilling",
}
ROWS = 6


def cut(row: dict[str, Any], kind: str) -> dict[str, Any]:
    """A row as the data set has it: prompt and suffix around a part of the solution."""
    whole = row["canonical_solution"]
    lines = whole.splitlines(keepends=True)
    if kind == "random_span":
        first, last = len(whole) // 3, len(whole) // 3 + 9
    else:
        filled = [n for n, line in enumerate(lines) if line.strip()]
        first = sum(map(len, lines[: filled[0]]))
        last = len(lines[filled[0]].rstrip("\n")) + first if kind == "single_line" else len(whole)
    return {
        **row,
        "prompt": row["prompt"] + whole[:first],
        "canonical_solution": whole[first:last],
        "suffix": whole[last:],
    }


@pytest.mark.parametrize("kind", NAMES)
def test_the_cut_part_passes_and_another_fails(cli: Any, mirror: Path, tmp_path: Path, kind: str) -> None:
    page = f"humaneval_{kind}_infilling"
    # A suffix that is empty is no gap
    made = [cut(row, kind) for row in read_jsonl(mirror / "openai/openai_humaneval/test.jsonl")[:20]]
    rows = [row for row in made if row["suffix"].strip() or kind == "multi_line"][:ROWS]
    write_jsonl(tmp_path / f"m/loubnabnl/humaneval_infilling/{NAMES[kind]}/test.jsonl", rows)
    for passes in (True, False):
        answers = [
            {
                "task": page,
                "sample_id": row["task_id"],
                "completion": row["canonical_solution"] if passes else "raise ValueError(",
            }
            for row in rows
        ]
        file = write_jsonl(tmp_path / "answers.jsonl", answers)
        words = ("run", "--engine", "scripted", "--completions", file, "--tasks", page, "--mirror", tmp_path / "m")
        seen = cli(*words, "--set", f"tasks.{page}.expected_count={len(rows)}", "--out", f"run-{passes}")
        assert seen.code == 0, seen.err
        records = read_jsonl(Path(f"run-{passes}/records.jsonl"))
        assert [record["scores"][0]["value"] for record in records] == [float(passes)] * len(rows)
        asked = {record["request"]["sample_id"]: record["request"]["prompt"]["text"] for record in records}
        assert asked == {row["task_id"]: f"{row['suffix']}\n\n{row['prompt']}" for row in rows}
