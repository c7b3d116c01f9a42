"""A finished run whose records were lost is one line for every command that reads it; its own command restores it."""

from __future__ import annotations

import pytest

RUN = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml", "--style", "text")


@pytest.fixture
def records(cli, sums, sums_answers, tmp_path):
    for name in ("runs/a", "runs/b"):
        assert cli(*RUN, "--out", name).code == 0
    return tmp_path / "runs/a/records.jsonl"


def lose(records, left: int | None) -> str:
    """Keep the first lines, or no file; return what an error says."""
    if left is None:
        records.unlink()
        return "records.jsonl: is missing: it had 10 records"
    lines = records.read_text().splitlines(keepends=True)
    records.write_text("".join(lines[:left]))
    return f"records.jsonl: has {left} of the 10 records"


@pytest.mark.parametrize("left", [None, 0, 9])
def test_every_reader_refuses_it(cli, records, left):
    said = lose(records, left)
    for words in (
        ("report", "runs/a"),
        ("show", "runs/a"),
        ("rescore", "runs/a"),
        ("compare", "runs/b", "runs/a"),
        ("export", "runs/a", "--to", "csv"),
        ("export", "runs/a", "--to", "junit"),
    ):
        seen = cli(*words)
        assert (seen.code, seen.out) == (2, ""), words
        assert said in seen.err and seen.err.count("\n") == 1, words
    assert not (records.parents[2] / "report.html").exists()
    listed = cli("runs")
    assert f"runs/a is damaged: {said}" in " ".join(listed.out.split()) and "runs/b" in listed.out


def test_its_own_command_restores_it(cli, records):
    lose(records, 7)
    assert cli(*RUN, "--out", "runs/a").code == 0
    assert cli("show", "runs/a").code == 0
