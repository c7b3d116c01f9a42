"""`harness runs`: what lies under a folder, in which state, with which scores."""

from __future__ import annotations

import json
import shutil

import pytest

from harness.store.run_folder import lock_folder


@pytest.fixture
def folder(cli, sums, sums_answers, tmp_path):
    """Three runs: finished, killed in the middle, and one that is no run any more."""
    for name in ("first", "deep/second"):
        seen = cli(
            *("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--style", "text"),
            *("--out", f"runs/{name}", "--set", "model.name=gpt-x" if name == "first" else "model.name=other"),
        )
        assert seen.code == 0, seen.err
    killed = tmp_path / "runs/killed"
    shutil.copytree(tmp_path / "runs/first", killed)
    manifest = json.loads((killed / "manifest.json").read_text())
    manifest |= {"status": "running", "finished_at": None, "started_at": manifest["started_at"] + 60}
    (killed / "manifest.json").write_text(json.dumps(manifest))
    lines = (killed / "records.jsonl").read_text().splitlines(keepends=True)
    (killed / "records.jsonl").write_text("".join(lines[:4]) + lines[4][:50])
    return tmp_path / "runs"


def listed(cli, *words):
    return {run["folder"].removeprefix("runs/"): run for run in json.loads(cli("runs", *words, "--json").out)}


def test_every_run_is_listed_newest_first(cli, folder):
    found = listed(cli)
    assert list(found) == ["killed", "deep/second", "first"]
    assert {name: (run["state"], run["answered"], run["requested"]) for name, run in found.items()} == {
        "first": ("finished", 10, 10),
        "deep/second": ("finished", 10, 10),
        "killed": ("stopped", 4, 10),
    }
    scores = json.loads((folder / "first/scores.json").read_text())["rows"][0]
    assert found["first"]["scores"] == [{key: scores[key] for key in ("task", "value", "low", "high", "n")}]
    assert scores["value"] == 0.7


def test_a_run_that_is_being_written_is_running_and_looking_does_not_disturb_it(cli, folder):
    lock = lock_folder(folder / "killed")
    try:
        assert listed(cli)["killed"]["state"] == "running"
        assert cli("runs", "--state", "stopped").out == "runs has 3 runs, none that was selected\n"
    finally:
        lock.release()
    assert listed(cli)["killed"]["state"] == "stopped"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--model", "GPT"), ["killed", "first"]),
        (("--state", "finished"), ["deep/second", "first"]),
        (("--task", "sums", "--model", "other"), ["deep/second"]),
        (("--task", "none"), []),
    ],
)
def test_filters(cli, folder, words, names):
    assert list(listed(cli, *words)) == names


def test_the_table_has_a_line_a_run_and_names_what_it_cannot_read(cli, folder):
    (folder / "first/manifest.json").write_text("{")
    (folder / "deep/second/scores.json").write_text("{")
    out = cli("runs").out
    lines = {line.split()[0]: line for line in out.splitlines() if line.startswith("runs/")}
    assert list(lines) == ["runs/killed", "runs/deep/second"]
    assert "stopped, 4 of 10" in lines["runs/killed"] and "finished" in lines["runs/deep/second"]
    assert "warning: runs/first is damaged: not JSON, line 1; restore it" in out


def test_nowhere_to_look_and_nothing_there(cli, tmp_path):
    seen = cli("runs")
    assert (seen.code, seen.err.count("\n")) == (2, 1) and "runs: no such folder" in seen.err
    (tmp_path / "runs").mkdir()
    assert cli("runs").out == "runs has no runs\n"


@pytest.mark.parametrize("rows", [[{"task": "q"}], [{"task": "q", "primary": True}], [7], 7])
def test_damaged_scores_hide_no_run(cli, folder, rows):
    (folder / "first/scores.json").write_text(json.dumps({"rows": rows}))
    found = listed(cli)
    assert list(found) == ["killed", "deep/second", "first"]
    assert (found["first"]["state"], found["first"]["scores"]) == ("finished", [])
    assert found["deep/second"]["scores"]


def test_a_manifest_with_a_wrong_number_of_samples_hides_no_other_run(cli, folder):
    manifest = json.loads((folder / "first/manifest.json").read_text())
    manifest["tasks"]["sums"]["n"] = "ten"
    (folder / "first/manifest.json").write_text(json.dumps(manifest))
    assert "warning: runs/first is damaged: the key 'tasks.sums.n' is not a whole number" in " ".join(
        cli("runs").out.split()
    )
    assert list(listed(cli)) == ["killed", "deep/second"]
