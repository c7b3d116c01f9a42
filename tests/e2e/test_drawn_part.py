"""`data.sample`: a seeded random part of a task, with the requests of the whole, and marked as a part."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from files import SUMS_PAGE, write_jsonl

from harness.catalog import Binder, Task
from harness.config import pages
from harness.data.rows import Loader
from harness.errors import DataError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

SHOTS = "fewshot: {split: train, count: 2, choose: random, seed: 7}\n"


def bound(path: Path, **sample: Any) -> Task:
    """The task of a page, of the whole split or of a part."""
    page, source = pages.checked_task(
        pages.read_task(str(path)), *([("--set ", {"data.sample": sample})] if sample else [])
    )
    scorers = page_scorers(page, source, Services("auto", Limits()).tools())
    return Binder(Loader(None), "text").bind(page, source, scorers)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Forty additions with random examples from another split."""
    for split, first in (("test", 0), ("train", 100)):
        rows = [{"id": f"s{i}", "a": i, "b": 2 * i, "total": 3 * i} for i in range(first, first + 40)]
        write_jsonl(tmp_path / "sums" / f"{split}.jsonl", rows)
    path = tmp_path / "sums.yaml"
    path.write_text(SUMS_PAGE.replace("./sums.jsonl", "./sums") + SHOTS, encoding="utf-8")
    return path


def test_a_part_has_the_ids_the_requests_and_the_fingerprint_of_the_whole(page: Path) -> None:
    whole, part = bound(page), bound(page, count=15, seed=3)
    requests = {request.sample_id: request for request in whole.requests}
    assert len(part.requests) == len(part.samples) == 15 and part.total == whole.total == 40
    assert all(requests[request.sample_id] == request for request in part.requests), "the same shots, and keys"
    assert part.fingerprint == whole.fingerprint
    places = [int(sample.id[1:]) for sample in part.samples]
    assert places == sorted(places) != list(range(15))


def test_the_seed_decides_and_a_larger_count_only_adds(page: Path) -> None:
    def ids(count: int, seed: int) -> set[str]:
        return {sample.id for sample in bound(page, count=count, seed=seed).samples}

    assert ids(10, 1) == ids(10, 1) != ids(10, 2)
    assert ids(10, 1) < ids(20, 1)
    # The rule in words: the first `count` of all rows in an order shuffled with the seed
    assert ids(10, 1) == {f"s{i}" for i in random.Random(1).sample(range(40), 40)[:10]}


def test_more_rows_than_there_are_are_refused(page: Path) -> None:
    with pytest.raises(DataError, match=r"sample of 50 rows wanted, but there are 40"):
        bound(page, count=50, seed=1)


def test_table_and_preview_say_which_part_it_is(cli, sums: Path, tmp_path: Path) -> None:
    suite = tmp_path / "small.yaml"
    suite.write_text(f"name: small\ntasks:\n  - {{task: {sums}, set: {{data.sample: {{count: 4, seed: 1}}}}}}\n")
    answers = write_jsonl(
        tmp_path / "a.jsonl", [{"task": "sums", "sample_id": f"s{i}", "completion": f"{3 * i}"} for i in range(10)]
    )
    common = ("run", "--engine", "scripted", "--completions", answers, "--suite", suite)
    assert "4 requests on 4 of 10 samples" in cli(*common, "--dry-run").out
    ran = cli(*common, "--out", "run")
    assert ran.code == 0
    assert "a random part of the task: 4 of 10 samples, drawn with seed 1" in ran.out
    written = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert written["tasks"]["sums"]["sample"] == {"count": 4, "seed": 1}
    assert "drawn with seed 1" in (tmp_path / "run" / "table.md").read_text()
    limited = cli(*common, "--out", "less", "--limit", "2").out
    assert "only 2 of a random part of the task (4 of 10 samples, drawn with seed 1) were run" in limited
    # The same requests: the whole task may be compared with its part
    assert cli(*common[:-2], "--tasks", sums, "--out", "whole").code == 0
    compared = cli("compare", "run", "whole")
    assert compared.code == 0 and "4" in compared.out
