"""`harness runs --leaderboard`: finished runs ranked, protocols apart, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import harness


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo models, the larger one twice, once under another protocol."""
    folder = tmp_path_factory.mktemp("ladder")
    for name, model, settings in (
        ("a", "demo-smaller", {}),
        ("b", "demo-larger", {}),
        ("c", "demo-larger", {"tasks.demo_math.sampling.max_tokens": 20}),
    ):
        harness.evaluate(model=model, suite="demo", limit=40, out=str(folder / name), settings=settings)
    return folder


def test_the_ranks_are_printed_best_first(cli, ladder):
    seen = cli("runs", ladder, "--leaderboard", "--task", "demo_code")
    assert seen.code == 0, seen.err
    rows = [line.split() for line in seen.out.splitlines() if line.startswith("demo-")]
    assert [(row[0], row[2]) for row in rows] == [("demo-larger", "1-2"), ("demo-larger", "1-2"), ("demo-smaller", "3")]
    assert "Not distinguishable: demo-larger (b), demo-larger (c)." in seen.out or "(c), demo-larger (b)" in seen.out


def test_runs_under_another_protocol_are_in_a_table_of_their_own(cli, ladder):
    document = json.loads(cli("runs", ladder, "--leaderboard", "--json").out)
    maths = [one for one in document["rankings"] if one["name"] == "demo_math"]
    assert [len(one["standings"]) for one in maths] == [2, 1]
    assert any("max_tokens" in field for field in maths[1]["protocol_differs"])
    (pair,) = maths[0]["pairs"]
    assert pair["p_family"] == pytest.approx(min(1, pair["p"]))
    suites = [one for one in document["rankings"] if one["overall"]]
    assert [len(one["standings"]) for one in suites] == [2, 1]
    assert suites[0]["standings"][0]["ranks"] == [1, 1]


def test_the_suites_difference_is_that_of_its_scores(cli, ladder):
    document = json.loads(cli("runs", ladder, "--leaderboard", "--json").out)
    suite = document["rankings"][0]
    (pair,) = suite["pairs"]
    best, worst = suite["standings"]
    assert pair["difference"] == pytest.approx(worst["value"] - best["value"])
    assert pair["low"] < pair["difference"] < pair["high"] < 0


def test_without_a_finished_run_there_is_no_leaderboard(cli, ladder):
    seen = cli("runs", ladder, "--leaderboard", "--model", "no such model")
    assert seen.code == 2
    assert "no finished run" in seen.err
