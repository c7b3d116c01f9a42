"""The report where a run ends (`harness run --report`), and from Python (`harness.write_report`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from files import read_jsonl, write_jsonl

import harness
from harness.html_report.reading import read_runs


@pytest.fixture
def run(cli: Callable, sums: Path, sums_answers: Path) -> tuple[object, ...]:
    """A command that runs ten additions with made answers into the folder `a`."""
    return ("run", "--engine", "scripted", "--tasks", sums, "--completions", sums_answers, "--out", "a")


def test_a_run_ends_with_the_path_of_its_report(cli, run, tmp_path):
    seen = cli(*run, "--report")
    assert seen.code == 0, seen.err
    assert seen.out.splitlines()[-1] == "Its report, for a browser: a/report.html"
    assert "0.700" in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")


def test_quiet_prints_the_results_alone_and_writes_the_report(cli, run, tmp_path):
    seen = cli(*run, "--report", "--quiet")
    assert seen.code == 0 and "0.700" in seen.out and "for a browser" not in seen.out
    assert (tmp_path / "a" / "report.html").is_file()


def test_the_report_of_an_unfinished_run_has_the_warnings_of_its_scores(cli, run, sums_answers, tmp_path):
    rows = read_jsonl(sums_answers)
    write_jsonl(sums_answers, [{**row, "completion": "who knows"} for row in rows])
    assert cli(*run, "--limit", 4).code == 0
    manifest = tmp_path / "a" / "manifest.json"
    finished = read_runs([tmp_path / "a"])[0].warnings
    manifest.write_text(manifest.read_text().replace('"status": "finished"', '"status": "interrupted"'))
    state, *others = read_runs([tmp_path / "a"])[0].warnings
    assert state.startswith("the run is not finished")
    assert others == list(finished)
    assert any("found no answer in all of the completions" in line for line in others), others
    assert any(line.startswith("--limit 4 takes the first 4 samples") for line in others), others


def test_json_stays_json_and_the_report_is_written(cli, run, tmp_path):
    seen = cli(*run, "--report", "--json")
    assert json.loads(seen.out)["rows"] and (tmp_path / "a" / "report.html").is_file()


def test_a_run_writes_no_report_unasked(cli, run, tmp_path):
    assert cli(*run).code == 0
    assert not (tmp_path / "a" / "report.html").exists()


def test_the_python_api_writes_what_the_command_writes(cli, run, tmp_path):
    assert cli(*run).code == 0
    written = harness.write_report("b.html", "a", title="Ten additions")
    assert written == Path("b.html") and "<h1>Ten additions</h1>" in written.read_text(encoding="utf-8")
    seen = cli("report", "a", "--title", "Ten additions", "--out", "c.html")
    assert seen.out.strip() == "c.html"

    def scores(name: str) -> str:
        return (tmp_path / name).read_text(encoding="utf-8").partition('<section id="scores"')[2].partition("</sec")[0]

    assert scores("b.html") and scores("b.html") == scores("c.html")


def test_the_python_api_refuses_as_the_command_does(cli, run, tmp_path):
    assert cli(*run).code == 0
    with pytest.raises(harness.UserError, match="a is given twice"):
        harness.write_report("b.html", "a", "a")
    with pytest.raises(harness.UserError, match="nowhere"):
        harness.write_report("b.html", "nowhere")
    with pytest.raises(harness.UserError, match=r"no/b\.html cannot be written: there is no such folder; make it"):
        harness.write_report("no/b.html", "a")
    assert not list(tmp_path.rglob("*.html"))
