"""One set of answers with repeats gives pass@k, maj@k, G-Pass@k and agreement, each with its interval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from files import write_jsonl


def test_steady_and_unsteady_models_differ_where_pass_at_k_does_not(cli, sums, tmp_path):
    # Five samples are right in 4 of 4 tries; five in 2 of 4, where the wrong answers agree
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i if i < 5 or turn < 2 else 777)}
        for turn in range(4)
        for i in range(10)
    ]
    answers = write_jsonl(tmp_path / "four.jsonl", rows)
    page = Path(sums)
    metrics = "mean, pass@4, maj@3, g_pass@4_0.5, g_pass@4_1, mg_pass@4, consistency, modal_share@4"
    page.write_text(page.read_text().replace("metric: [mean]", f"metric: [{metrics}]\nrepeats: 4"))
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", "r")
    seen = cli(*words, "--json")
    assert seen.code == 0, seen.err
    found = {row["metric"]: row for row in json.loads(seen.out)["rows"]}
    # Of 2 right and 2 wrong: maj@3 is right in half of the subsets; one pair in three agrees
    assert {name: row["value"] for name, row in found.items()} == pytest.approx(
        {
            **{"mean": 0.75, "pass@4": 1.0, "maj@3": 0.75, "g_pass@4_0.5": 1.0, "g_pass@4_1": 0.5},
            **{"mg_pass@4": 0.5, "consistency": (1 + 1 / 3) / 2, "modal_share@4": 0.75},
        }
    )
    assert all(row["low"] < row["high"] and row["n"] == 10 for row in found.values())
    assert "g_pass@4_0.5" in (tmp_path / "r/table.csv").read_text()


def test_more_tries_than_there_are_are_refused_with_the_place(cli, sums):
    page = Path(sums)
    page.write_text(page.read_text().replace("metric: [mean]", "metric: [mean, g_pass@8_0.5]\nrepeats: 4"))
    seen = cli("tasks", "validate", sums)
    line = next(number for number, text in enumerate(page.read_text().splitlines(), 1) if "g_pass" in text)
    assert seen.code != 0 and "Traceback" not in seen.out + seen.err
    assert "g_pass@8_0.5 needs at least 8 repeats, the task has 4: set repeats: 8" in seen.out + seen.err
    assert f":{line}" in seen.out + seen.err
