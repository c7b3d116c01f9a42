"""Gates for CI: `--fail-under`, of every task or of one, and `compare --regressions --max-drop`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from files import write_jsonl

from harness.cli.gates import Gates, failed_gates, read_gates, regressions
from harness.errors import ConfigError
from harness.results import Comparison, Estimate


def estimate(task: str, value: float | None, method: str = "wilson") -> Estimate:
    return Estimate(task, "s", "mean", value, None, None, method, n=10, unscored=0, repeats=1)


@pytest.mark.parametrize("value", ["", "x", "nan", "1.5", "-0.1", "a=", "a=2", "=0.5", "a=nan"])
def test_what_is_no_score_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match="--fail-under"):
        read_gates([value])


@pytest.mark.parametrize("values", [["0.5", "0.6"], ["a=0.5", "a=0.5"]])
def test_two_gates_of_one_task_are_refused(values: list[str]) -> None:
    with pytest.raises(ConfigError, match="already; keep one"):
        read_gates(values)


def test_a_gate_of_its_own_takes_the_place_of_that_of_every_task() -> None:
    gates = read_gates(["0.5", "hard=0.1"])
    assert gates == Gates(0.5, {"hard": 0.1})
    tasks = [estimate("easy", 0.6), estimate("hard", 0.2), estimate("other", 0.4)]
    failed, notes = failed_gates(gates, tasks, None, {})
    assert len(failed) == 1 and failed[0].startswith("other 0.400") and not notes


def test_a_gate_of_a_page_is_for_every_use_of_it() -> None:
    tasks = [estimate("sums_0shot", 0.2), estimate("sums_5shot", 0.9)]
    failed, _ = failed_gates(read_gates(["sums=0.5"]), tasks, None, {"sums_0shot": "sums", "sums_5shot": "sums"})
    assert len(failed) == 1 and "sums_0shot" in failed[0]


def test_a_gate_that_cannot_be_judged_fails() -> None:
    tasks = [estimate("ppl", 12.0, "ratio"), estimate("none", None)]
    failed, _ = failed_gates(read_gates(["ppl=0.5", "none=0.5", "gone=0.5"]), tasks, None, {})
    assert len(failed) == 3
    failed, notes = failed_gates(read_gates(["0.5"]), tasks[:1], None, {})
    assert not failed and "lower is better" in notes[0]


def test_an_unknown_task_is_refused_before_the_run(cli: Callable, sums: Path, sums_answers: Path) -> None:
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "a")
    seen = cli(*words, "--fail-under", "sum=0.6")
    assert seen.code == 2 and "did you mean 'sums'" in seen.err and not Path("a").exists()
    seen = cli(*words, "--fail-under", "sums=0.8", "--fail-under", "0.1")
    assert seen.code == 1 and seen.err.count("gate failed") == 1
    assert "gate failed: sums 0.700 [" in seen.err and "is below --fail-under sums=0.8" in seen.err
    assert cli(*words, "--fail-under", "sums=0.7").code == 0


def difference(change: float, low: float, high: float, p: float) -> Comparison:
    """A comparison of two runs on one task."""
    return Comparison(
        task="t", scorer="s", metric="mean", a="old", b="new", value_a=0.5, value_b=0.5 + change, difference=change,
        low=low, high=high, method="paired", p=p, p_family=p, test="mcnemar", n=1000, wins=1, losses=2,
        detectable=None, needed=None, unscored=0, unpaired=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "max_drop", "fails", "notes"),
    [
        (difference(-0.01, -0.015, -0.005, 0.001), None, True, 0),
        (difference(-0.01, -0.015, -0.005, 0.001), 0.02, False, 0),
        # Shown to be worse, by 0.02 exactly: at most the drop that passes, though a larger one is possible
        (difference(0.5 - 0.52, -0.03, -0.01, 0.001), 0.02, False, 1),
        (difference(-0.05, -0.06, -0.04, 0.001), 0.02, True, 0),
        # A large drop that is not shown: no failure, but no proof either
        (difference(-0.05, -0.15, 0.05, 0.3), 0.02, False, 1),
        (difference(-0.05, -0.15, 0.05, 0.3), None, False, 0),
        (difference(+0.05, 0.01, 0.09, 0.01), 0.02, False, 0),
    ],
)
def test_a_drop_fails_where_it_is_shown_and_larger_than_allowed(
    found: Comparison, max_drop: float | None, fails: bool, notes: int
) -> None:
    failed, said = regressions([found], max_drop)
    assert (bool(failed), len(said)) == (fails, notes)


def test_the_command_lets_a_small_drop_pass(cli: Callable, sums: Path) -> None:
    for name, right in (("old", 10), ("new", 3)):
        rows = [
            {"task": "sums", "sample_id": f"s{i}", "completion": str(3 * i if i < right else 9999)} for i in range(10)
        ]
        answers = write_jsonl(Path(f"{name}.jsonl"), rows)
        assert cli("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", name).code == 0
    worse = cli("compare", "old", "new", "--regressions", "--max-drop", 0.1)
    assert worse.code == 1 and "by more than --max-drop 0.1" in worse.err and worse.err.count("\n") == 1
    assert cli("compare", "old", "new", "--regressions", "--max-drop", 0.7).code == 0
    idle = cli("compare", "old", "new", "--max-drop", 0.7)
    assert idle.code == 2 and "--regressions" in idle.err


@pytest.mark.parametrize("drop", ["2", "-0.1", "nan"])
def test_a_drop_in_per_cent_is_refused_not_passed(cli: Callable, drop: str) -> None:
    seen = cli("compare", "old", "new", "--regressions", "--max-drop", drop)
    assert seen.code == 2 and "from 0 to 1 (2 % is 0.02)" in seen.err
