"""A verdict on answers that were cut off or not read says so, and there is none where it is most of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import write_jsonl, write_sums

CLAIM = """\
name: sums-claim
about: A sentence about additions.
claims:
  - id: adds-well
    quote: "adds well"
    reading: "at least 62 % of these additions"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    test: {metric: accuracy, tasks: [sums], about: benchmark}
    relation: ">="
    threshold: 0.62
    protocol: {shots: 0, samples: 1}
"""
SIZE = 60


@pytest.fixture
def claim(tmp_path: Path) -> str:
    write_sums(tmp_path, SIZE)
    (tmp_path / "sums-claim.yaml").write_text(CLAIM, encoding="utf-8")
    return "./sums-claim.yaml"


def adder(folder: Path, lost: int, **extra: object) -> Path:
    """Wrong answers, of which so many have `extra`, the others right."""
    rows = [
        {"task": "sums", "sample_id": f"s{i}", **({"completion": f" {2 * i}"} if i >= lost else extra)}
        for i in range(SIZE)
    ]
    return write_jsonl(folder / "adder.jsonl", rows)


def found(seen: Any) -> dict[str, Any]:
    (verdict,) = json.loads(seen.out)["verdicts"]
    assert isinstance(verdict, dict)
    return verdict


def test_nothing_is_refuted_by_answers_that_were_cut_off(cli: Callable, claim: str, tmp_path: Path):
    answers = adder(tmp_path, SIZE, completion=" one and", finish="length")
    seen = cli("claim", "check", claim, "--run", "--engine", "scripted", "--completions", answers, "--json", "-q")
    verdict = found(seen)
    assert verdict["word"] == "inconclusive" and "all of the answers were cut off" in verdict["rule"], verdict
    (folder,) = (tmp_path / "runs").glob("claim-adds-well-*")
    again = found(cli("claim", "check", claim, folder, "--json"))
    assert (again["word"], again["rule"]) == (verdict["word"], verdict["rule"])


def test_some_lost_answers_are_a_caution(cli: Callable, claim: str, tmp_path: Path):
    answers = adder(tmp_path, 12, completion=" one and", finish="length")
    made = cli("run", "--engine", "scripted", "--completions", answers, "--tasks", "./sums.yaml", "--out", "r", "-q")
    assert made.code == 0, made.err
    verdict = found(cli("claim", "check", claim, "r", "--json"))
    assert verdict["word"] == "supported"
    assert "20.0 % of the answers were cut off" in " ".join(verdict["cautions"]), verdict["cautions"]


def test_programs_that_are_right_though_cut_off_count(cli: Callable, claim: str, tmp_path: Path):
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": f" {2 * i + (i < 12)}", "finish": "length"}
        for i in range(SIZE)
    ]
    answers = write_jsonl(tmp_path / "adder.jsonl", rows)
    words = ("--engine", "scripted", "--completions", answers, "--tasks", "./sums.yaml", "--out", "r")
    assert cli("run", *words, "-q").code == 0
    verdict = found(cli("claim", "check", claim, "r", "--json"))
    assert verdict["word"] == "supported" and "all of the answers were cut off" in " ".join(verdict["cautions"])


def test_other_tasks_of_a_run_say_nothing_of_the_claim(cli: Callable, claim: str, tmp_path: Path):
    page = (tmp_path / "sums.yaml").read_text(encoding="utf-8")
    (tmp_path / "others.yaml").write_text(page.replace("name: sums", "name: others"), encoding="utf-8")
    right = [{"task": "sums", "sample_id": f"s{i}", "completion": f" {2 * i}"} for i in range(SIZE)]
    lost = [row | {"task": "others", "completion": " one and", "finish": "length"} for row in right]
    answers = write_jsonl(tmp_path / "adder.jsonl", [*right, *lost])
    words = ("--engine", "scripted", "--completions", answers, "--tasks", "./sums.yaml,./others.yaml", "--out", "r")
    cli("run", *words, "-q")
    verdict = found(cli("claim", "check", claim, "r", "--json"))
    assert verdict["word"] == "supported" and not verdict["cautions"], verdict


def test_a_part_that_settles_it_is_not_called_the_whole(cli: Callable, claim: str, tmp_path: Path):
    answers = adder(tmp_path, 40, completion=" 1")
    words = ("--engine", "scripted", "--completions", answers, "--tasks", "./sums.yaml", "--limit", 40)
    assert cli("run", *words, "--out", "r", "-q").code == 0
    verdict = found(cli("claim", "check", claim, "r", "--json"))
    assert verdict["word"] == "refuted"
    assert "all items were run" not in verdict["rule"] and "whatever the others give" in verdict["rule"]
    (evidence,) = verdict["evidence"]
    # 1 is right of the 40, and 20 may be
    assert evidence["high"] <= 21 / 60 < 0.62
