"""`harness compare` as a user types it: siblings differ, a run does not differ from itself, protocols are checked."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from files import read_jsonl, write_jsonl

import harness


@pytest.fixture(scope="module")
def siblings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The demo's smaller and larger model on 30 problems."""
    folder = tmp_path_factory.mktemp("siblings")
    for model in ("demo-smaller", "demo-larger"):
        harness.evaluate(model=model, tasks=["demo_math"], limit=30, out=folder / model)
    return folder / "demo-smaller", folder / "demo-larger"


def answers(folder: Path, wrong: range, count: int = 10) -> Path:
    """Answers to the additions, wrong at some places."""
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": f" it is {3 * i + 1000 * (i in wrong)}"}
        for i in range(count)
    ]
    return write_jsonl(folder / f"answers-{wrong.start}-{wrong.stop}.jsonl", rows)


@pytest.fixture
def scripted(cli, sums, tmp_path):
    """Run the additions with answers wrong at some places; return the run folder."""

    def run(out: str, wrong: range, *words: object) -> Path:
        made = answers(tmp_path, wrong)
        seen = cli("run", "--engine", "scripted", "--completions", made, "--tasks", sums, "--out", out, *words)
        assert seen.code == 0, seen.err
        return tmp_path / out

    return run


def test_the_larger_sibling_is_found_better(cli, siblings):
    seen = cli("compare", *siblings)
    assert seen.code == 0
    assert "demo-larger compared with demo-smaller" in seen.out
    row = next(line for line in seen.out.splitlines() if line.startswith("demo_math"))
    assert " better " in row
    assert "Detectable diff." in seen.out


def test_a_run_does_not_differ_from_itself(cli, siblings):
    seen = cli("compare", siblings[1], siblings[1], "--json", "--regressions")
    assert seen.code == 0
    row = json.loads(seen.out)["rows"][0]
    assert (row["difference"], row["p"], row["finding"], row["needed"]) == (0, 1, "not shown", None)
    assert row["low"] < 0 < row["high"]
    assert {row["a"], row["b"]} == {"demo-larger (demo-larger) #1", "demo-larger (demo-larger) #2"}


def test_a_regression_fails_the_build_and_an_improvement_does_not(cli, siblings):
    smaller, larger = siblings
    worse = cli("compare", larger, smaller, "--regressions")
    assert worse.code == 1
    assert "significantly worse than demo-larger: demo_math -0." in worse.err
    assert cli("compare", smaller, larger, "--regressions").code == 0
    assert cli("compare", larger, smaller).code == 0


def test_every_format_says_the_same(cli, siblings):
    document = json.loads(cli("compare", *siblings, "--format", "json").out)
    rows = list(csv.DictReader(io.StringIO(cli("compare", *siblings, "--format", "csv").out)))
    assert [run["label"] for run in document["runs"]] == ["demo-smaller", "demo-larger"]
    assert float(rows[0]["p"]) == document["rows"][0]["p"]
    assert rows[0]["finding"] == "better"
    page = cli("compare", *siblings, "--format", "markdown", "--samples").out
    assert "| Task | demo-smaller | demo-larger | Difference |" in page
    assert page.count("## ") == 2


def test_the_numbers_follow_from_the_records(cli, siblings):
    values = [
        {line["request"]["sample_id"]: line["scores"][0]["value"] for line in read_jsonl(folder / "records.jsonl")}
        for folder in siblings
    ]
    row = json.loads(cli("compare", *siblings, "--json").out)["rows"][0]
    assert row["wins"] == sum(values[1][sample] > values[0][sample] for sample in values[0])
    assert row["losses"] == sum(values[1][sample] < values[0][sample] for sample in values[0])
    assert row["difference"] == pytest.approx((sum(values[1].values()) - sum(values[0].values())) / 30)


def test_discordant_samples_stand_side_by_side(cli, scripted):
    seen = cli("compare", scripted("old", range(7, 10)), scripted("new", range(9, 10)), "--samples")
    assert "sums: 2 samples on which answers-7-10 and answers-9-10 differ" in seen.out
    assert [line.split() for line in seen.out.splitlines() if line.startswith("s7")] == [["s7", "0", "1021", "1", "21"]]


def test_another_protocol_is_refused_by_name_unless_allowed(cli, scripted):
    old = scripted("old", range(7, 10))
    new = scripted("new", range(7, 10), "--set", "tasks.sums.sampling.max_tokens=16")
    seen = cli("compare", old, new)
    assert seen.code == 2
    assert "tasks.sums.page.sampling.max_tokens: 8 | 16" in seen.err
    assert "--allow-protocol" in seen.err
    assert len(seen.err.strip().splitlines()) == 1
    allowed = cli("compare", old, new, "--allow-protocol")
    assert allowed.code == 0
    assert "the protocol differs: tasks.sums.page.sampling.max_tokens: 8 | 16" in allowed.out
    document = json.loads(cli("compare", old, new, "--allow-protocol", "--json").out)
    assert document["protocol"][0]["field"] == "tasks.sums.page.sampling.max_tokens"


def test_three_runs_are_compared_with_the_first_as_one_family(cli, scripted):
    runs = [scripted("base", range(0)), scripted("bad", range(6)), scripted("same", range(0))]
    rows = json.loads(cli("compare", *runs, "--json").out)["rows"]
    assert [(row["losses"], row["p"]) for row in rows] == [(6, 0.03125), (0, 1.0)]
    # Alone it would be a finding; of two comparisons it is not
    assert [row["p_family"] for row in rows] == [0.0625, 1.0]
    assert cli("compare", *runs, "--regressions").code == 0
    assert cli("compare", *runs[:2], "--regressions").code == 1


def test_a_part_of_a_task_is_compared_on_what_both_ran(cli, scripted):
    seen = cli("compare", scripted("whole", range(0)), scripted("part", range(0), "--limit", "4"))
    assert seen.code == 0
    assert "6 samples left out: only in one of the runs" in seen.out


def test_what_is_no_run_is_refused_in_one_line(cli, siblings, tmp_path, scripted):
    for words, message in (
        ((siblings[0],), "needs two run folders"),
        ((siblings[0], tmp_path / "nowhere"), "no such run folder"),
        ((siblings[0], scripted("sums-run", range(0))), "no task in common"),
        ((*siblings, "--samples", "--format", "csv"), "CSV does not hold"),
    ):
        seen = cli("compare", *words)
        assert (seen.code, seen.out) == (2, "")
        assert message in seen.err
        assert len(seen.err.strip().splitlines()) == 1


def test_from_python(siblings):
    found = harness.compare(*siblings)
    assert found.comparisons[0].difference > 0
    assert callable(harness.compare)


def test_comparing_imports_no_model_library(siblings):
    import subprocess
    import sys

    code = "import sys, harness; harness.compare(*sys.argv[1:]); print(' '.join(sys.modules))"
    seen = subprocess.run([sys.executable, "-c", code, *map(str, siblings)], capture_output=True, text=True, check=True)
    assert not set(seen.stdout.split()) & {"torch", "transformers", "datasets", "evaluate", "scipy.stats"}


def test_a_run_that_stopped_when_a_claim_was_settled_is_warned_of(cli, scripted):
    fixed, drawn = scripted("fixed", range(7, 10)), scripted("drawn", range(3))
    assert "until a claim was settled" not in cli("compare", fixed, drawn).out
    (drawn / "claim.json").write_text("{}")
    seen = cli("compare", fixed, drawn)
    assert "its run stopped as soon as a claim was settled: n was not fixed in advance" in seen.out + seen.err
