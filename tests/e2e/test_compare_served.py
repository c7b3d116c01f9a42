"""Runs through servers, compared: what the servers stated is beside a difference, and in a run's own table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl


def as_served(folder: Path, fingerprints: list[str], **engine: Any) -> Path:
    """Let the run folder be that of a run through a server, which stated these fingerprints in turn."""
    rows = read_jsonl(folder / "records.jsonl")
    for place, row in enumerate(rows):
        fingerprint = fingerprints[place * len(fingerprints) // len(rows)]
        row["reply"]["served"] = {"latency": 0.1, "model": "m", "fingerprint": fingerprint}
    write_jsonl(folder / "records.jsonl", rows)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["engine"] |= {"server": {"way": "chat"}, "deterministic": True, "dtype": "float32", **engine}
    manifest["config"]["model"]["path"] = "m"
    path.write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def scripted(cli, sums, tmp_path):
    """Run the additions with the first answers wrong; return the run folder."""

    def run(out: str, wrong: int) -> Path:
        rows = [
            {"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i + 1000 * (i < wrong))} for i in range(10)
        ]
        made = write_jsonl(tmp_path / f"{out}.jsonl", rows)
        seen = cli("run", "--engine", "scripted", "--completions", made, "--tasks", sums, "--out", out)
        assert seen.code == 0, seen.err
        return tmp_path / out

    return run


def test_what_may_explain_a_difference_is_beside_it_in_every_format(cli, scripted):
    old = as_served(scripted("old", 3), ["vllm-1"])
    new = as_served(scripted("new", 1), ["vllm-1", "vllm-2"], deterministic=False, dtype=None)
    page = cli("compare", old, new)
    assert page.code == 0, page.err
    for text in (
        "May explain a difference: new: the server stated more than one fingerprint during the run: "
        "vllm-1 (5 answers), vllm-2 (5 answers)",
        "May explain a difference: the servers stated another fingerprint: old: vllm-1; new: vllm-1, vllm-2",
        "May explain a difference: new: its server is not deterministic",
        "May explain a difference: new: the precision that the model was served in is not stated",
    ):
        assert text in page.out
    document = json.loads(cli("compare", old, new, "--json").out)
    assert [one["run"] for one in document["explanations"]] == ["new"] * 4
    assert "May explain a difference" in cli("compare", old, new, "--format", "markdown").out


def test_where_nothing_differs_nothing_is_explained(cli, scripted):
    old = as_served(scripted("old", 1), ["vllm-1"])
    new = as_served(scripted("new", 1), ["vllm-2"], deterministic=None, dtype=None)
    assert "May explain" not in cli("compare", old, new).out
    assert json.loads(cli("compare", old, new, "--json").out)["explanations"] == []


def test_runs_without_a_server_have_no_explanations(cli, scripted):
    assert "May explain" not in cli("compare", scripted("old", 3), scripted("new", 1)).out


def test_a_change_of_the_server_during_a_run_is_in_its_own_table_and_scores(cli, scripted):
    folder = as_served(scripted("changed", 1), ["vllm-1", "vllm-2"])
    again = cli("rescore", folder)
    assert again.code == 0, again.err
    text = "the server stated more than one fingerprint during the run: vllm-1 (5 answers), vllm-2 (5 answers)"
    assert text in again.out
    assert text in (folder / "table.md").read_text()
    assert any(text in line for line in json.loads((folder / "scores.json").read_text())["warnings"])
