"""`harness probe contamination` as it is typed: what it will cost, what it finds, and that it goes on."""

from __future__ import annotations

import json

import pytest

MODEL = ("probe", "contamination", "demo-smaller", "--tasks", "demo_math", "--limit", "28")


def test_the_cost_is_shown_beforehand_and_nothing_is_written(cli, tmp_path):
    seen = cli(*MODEL, "--dry-run")
    assert seen.code == 0, seen.err
    assert "demo_math: the first 28 of 80 rows\n  order     56 requests\n  by heart  " in seen.out
    assert "tokens in, at most" in seen.out
    assert "shared beginnings are computed once" in seen.out
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_model_that_has_read_nothing_is_told_so_and_a_second_try_requests_nothing(cli, tmp_path):
    seen = cli(*MODEL)
    assert seen.code == 0, seen.err
    assert "contaminated" not in seen.out
    assert "no evidence" in seen.out
    assert "with 80 % power it finds an effect of" in seen.out
    again = cli(*MODEL, "--json")
    document = json.loads(again.out)
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "probe.json").read_text(encoding="utf-8")) == document
    assert [finding["test"] for finding in document["findings"]] == ["order", "by heart"]
    assert all(0 < finding["p_value"] <= finding["p_adjusted"] <= 1 for finding in document["findings"])
    records = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(records) == document["cost"]["requests"]


def test_a_wrong_name_and_an_engine_without_a_model_are_one_line(cli, tmp_path):
    assert "did you mean 'demo_math'" in cli("probe", "contamination", "demo-smaller", "--tasks", "demo_mathh").err
    assert "--perturb" in cli(*MODEL, "--perturb", "numbers").err
    assert "leave out `perturb`" in cli(*MODEL, "--set", "perturb.by=numbers").err
    file = tmp_path / "made.jsonl"
    file.write_text('{"task": "demo_math", "sample_id": "math-001", "completion": "4"}\n', encoding="utf-8")
    words = ("--tasks", "demo_math", "--set", f"engine.completions={file}", "--engine", "scripted")
    seen = cli("probe", "contamination", "demo-smaller", *words)
    assert seen.code == 2
    assert "a probe makes its own" in seen.err
