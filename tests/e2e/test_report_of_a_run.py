"""The report where a run ends (`harness run --report`), and from Python (`harness.write_report`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import harness


@pytest.fixture
def run(cli: Callable, sums: Path, sums_answers: Path) -> tuple[object, ...]:
    """A command that runs ten additions with made answers into the folder `a`."""
    return ("run", "--engine", "scripted", "--tasks", sums, "--completions", sums_answers, "--out", "a")


def test_a_run_ends_with_the_path_of_its_report(cli, run, tmp_path):
    seen = cli(*run, "--report")
    assert seen.code == 0, seen.err
    assert seen.out.splitlines()[-1] == "Its report, for a browser: a/report.html"
    assert "0.700" in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")


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
