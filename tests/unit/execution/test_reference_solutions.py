"""An oracle that we did not write: published solutions pass. Needs `../shared/data`.

All of HumanEval and MBPP run through the whole command in `tests/golden`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"
MBPP_STRIDE = 16
NEEDS_SETUP_AFTER_CODE = {367, 927}
# As the task's page states, with the reason for each
IN_PROCESS = {126, 367, 533, 596, 927}


def rows(*names: str) -> list[dict[str, Any]]:
    files = [DATA / name for name in names]
    if not all(file.is_file() for file in files):
        pytest.skip(f"the benchmark data is not at {DATA}")
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def statuses(sandbox: Sandbox, jobs: Iterable[Job]) -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return [verdict.status for verdict in pool.map(lambda job: sandbox.run(job, Limits()), jobs)]


def check(row: dict[str, Any]) -> Any:
    return "in_process" if row["task_id"] in IN_PROCESS else "by_value"


@pytest.mark.slow
def test_reference_code_of_mbpp_passes_with_the_setup_after_the_code(sandbox: Sandbox) -> None:
    splits = [f"google-research-datasets/mbpp/full/{s}.jsonl" for s in ("prompt", "test", "validation", "train")]
    everything = rows(*splits)
    chosen = [row for i, row in enumerate(everything) if row["task_id"] in IN_PROCESS or i % MBPP_STRIDE == 0]
    assert {row["task_id"] for row in chosen} >= NEEDS_SETUP_AFTER_CODE
    jobs = [
        Job(
            row["code"], Tests("python", tests="\n".join([row["test_setup_code"], *row["test_list"]]), check=check(row))
        )
        for row in chosen
    ]
    found = statuses(sandbox, jobs)
    assert [row["task_id"] for row, status in zip(chosen, found, strict=True) if status != "passed"] == []
