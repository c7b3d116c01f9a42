"""`--limit N --limit-seed S` runs a random part; `--limit N` alone says that it is the first n."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from files import read_jsonl

Run = Callable[..., tuple[str, list[str]]]


@pytest.fixture
def sums_run(cli: Callable, sums: Path, sums_answers: Path) -> Run:
    """Run the additions into a folder: what was printed, and the ids of the samples."""

    def run(out: str, *words: object) -> tuple[str, list[str]]:
        seen = cli(
            *("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", out), *words
        )
        assert seen.code == 0, seen.err
        return " ".join(seen.out.split()), ids(read_jsonl(Path(out) / "records.jsonl"))

    return run


def ids(records: Iterable[dict]) -> list[str]:
    return sorted(record["request"]["sample_id"] for record in records)


def manifest_of(folder: str) -> dict:
    return json.loads((Path(folder) / "manifest.json").read_text())


def test_a_seed_draws_what_python_draws_and_every_file_says_so(sums_run: Run) -> None:
    printed, drawn = sums_run("a", "--limit", 4, "--limit-seed", 3)
    assert drawn == sorted(f"s{i}" for i in random.Random(3).sample(range(10), 10)[:4]) != ids_of_first(4)
    assert "a random part of the task: 4 of 10 samples, drawn with seed 3" in printed
    manifest = manifest_of("a")
    assert manifest["tasks"]["sums"]["sample"] == {"count": 4, "seed": 3}
    assert manifest["config"]["limit_seed"] == 3
    warnings = json.loads(Path("a/scores.json").read_text())["warnings"]
    assert warnings == ["sums: a random part of the task: 4 of 10 samples, drawn with seed 3"]


def ids_of_first(count: int) -> list[str]:
    return [f"s{i}" for i in range(count)]


def test_without_a_seed_it_is_the_first_and_said_to_be_no_random_part(sums_run: Run) -> None:
    printed, first = sums_run("a", "--limit", 4)
    assert first == ids_of_first(4)
    assert "--limit 4 takes the first 4 samples of a task, which are no random part of it" in printed
    assert "sample" not in manifest_of("a")["tasks"]["sums"]


def test_a_larger_limit_goes_on_with_the_same_samples(sums_run: Run) -> None:
    _, few = sums_run("a", "--limit", 3, "--limit-seed", 5)
    _, more = sums_run("a", "--limit", 6, "--limit-seed", 5)
    assert set(few) < set(more) and len(more) == 6
    # All of them are no part
    printed, _ = sums_run("a", "--limit", 99, "--limit-seed", 5)
    assert "random part" not in printed and "of 10 samples" not in printed


def test_the_preview_says_which_part(cli: Callable, sums: Path, sums_answers: Path) -> None:
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--dry-run", "--limit", 4)
    assert "requests on the first 4 of 10 samples" in cli(*words).out
    assert "requests on 4 of 10 samples, drawn with seed 2" in cli(*words, "--limit-seed", 2).out
    assert json.loads(cli(*words, "--limit-seed", 2, "--json").out)["tasks"][0]["drawn_with"] == 2


def test_a_seed_without_a_limit_is_refused(cli: Callable, sums: Path) -> None:
    seen = cli("run", "--tasks", sums, "--limit-seed", 2)
    assert seen.code == 2 and "limit_seed" in seen.err and "limit`, which is not set" in seen.err


def test_rescore_keeps_the_part(cli: Callable, sums_run: Run) -> None:
    sums_run("a", "--limit", 4, "--limit-seed", 3)
    before = Path("a/scores.json").read_text()
    assert cli("rescore", "a").code == 0
    assert Path("a/scores.json").read_text() == before
    assert manifest_of("a")["tasks"]["sums"]["sample"] == {"count": 4, "seed": 3}


def test_a_comparison_says_on_which_part_it_is(cli: Callable, sums_run: Run) -> None:
    sums_run("drawn", "--limit", 6, "--limit-seed", 3)
    sums_run("drawn2", "--limit", 6, "--limit-seed", 3)
    sums_run("first", "--limit", 6)
    same = " ".join(cli("compare", "drawn", "drawn2").out.split())
    assert "sums: compared on 6 of 10 samples, a random part drawn with seed 3" in same
    mixed = " ".join(cli("compare", "drawn", "first").out.split())
    assert "of 10 samples, those that both runs have (drawn with seed 3; the first 6)" in mixed
    sums_run("whole")
    for folders in (("drawn", "whole"), ("whole", "drawn")):
        with_all = " ".join(cli("compare", *folders).out.split())
        assert "sums: compared on 6 of 10 samples, a random part drawn with seed 3" in with_all
    assert "the first 6 of 10 samples, which are no random part" in " ".join(
        cli("compare", "first", "first").out.split()
    )
