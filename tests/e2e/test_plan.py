"""`harness plan` and `harness run --plan`: what a budget buys, and what it took."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from paid_engine import install

from harness.cli.plan_run import next_steps
from harness.planning.page import read_plan

# Prompts of 100 tokens at $1000 a million, at most 8 out at $5000
WORST = 0.14


@pytest.fixture
def paid(cli: Callable, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """`harness plan` of ten sums with the paid engine."""
    install(tmp_path, monkeypatch)

    def plan(*words: object, priced: bool = True) -> object:
        price = ("--set", "model.price=./mine.yaml") if priced else ()
        return cli("plan", "sums.yaml", "--engine", "paid", "--models", "paid-model", "--min-n", 2, *price, *words)

    return plan


def test_dollars_are_those_of_the_price_page(paid: Callable):
    seen = paid("--budget", "$1", "--json")
    assert seen.code == 0, seen.err
    plan = json.loads(seen.out)
    (line,) = plan["lines"]
    # Seven fit at the most that an answer may cost, eight do not
    assert line["samples"] == 7
    assert line["dollars"] == pytest.approx(7 * WORST) and line["tokens_in"] == 700 and line["tokens_out"] == 56
    assert line["cost"]["bound"] and line["seconds"] is None


def test_what_answers_took_so_far_is_what_they_are_expected_to_take(paid: Callable, cli: Callable):
    first = paid("--budget", "$1", "--out", "p.yaml")
    assert first.code == 0 and "harness run --plan p.yaml" in first.out
    done = cli("run", "--plan", "p.yaml", "--json")
    assert done.code == 0, done.err
    (real,) = json.loads(done.out)["planned_and_real"]
    assert (real["samples_planned"], real["samples_real"]) == (7, 7)
    assert real["tokens_in_real"] == 700 and real["tokens_out_real"] == 28
    # Every attempt as it was billed, cached input too, and the start probe
    assert real["dollars_real"] == pytest.approx(7 * 0.084 + 0.015)
    again = json.loads(paid("--budget", "$1", "--json").out)
    (line,) = again["lines"]
    assert not line["cost"]["bound"] and line["tokens_out"] == 4 * line["samples"]
    # 0.10 in, 0.02 out; a twentieth of the budget is kept back
    assert line["samples"] == 7 and line["dollars"] == pytest.approx(7 * 0.12)


def test_a_quiet_run_of_a_plan_prints_results_alone(paid: Callable, cli: Callable):
    assert paid("--budget", "$1", "--out", "p.yaml").code == 0
    seen = cli("run", "--plan", "p.yaml", "--quiet")
    assert seen.code == 0 and "sums" in seen.out and "The run is finished" not in seen.out


def test_the_time_is_that_of_the_largest_run_that_tells_one(paid: Callable, cli: Callable):
    for n in (3, 6):
        words = ("--engine", "paid", "--model", "paid-model", "--limit", n, "--out", f"runs/{n}")
        assert cli("run", "--tasks", "sums.yaml", "--set", "model.price=./mine.yaml", *words, "-q").code == 0
    for name in ("runs/6", "runs/3"):
        file = Path(name, "manifest.json")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"resumed": 1}))
        seen = paid("--budget", "2h", "--json")
        if name == "runs/6":
            assert seen.code == 0, seen.err
            (line,) = json.loads(seen.out)["lines"]
            assert "n 6, runs/6" in line["cost"]["tokens_from"] and line["cost"]["seconds_from"] == "n 3, runs/3"
    assert seen.code == 2 and "the run runs/6 does not tell: it was resumed" in seen.err
    assert "add --try 16" in seen.err
    Path("runs/3").rename("runs/try-sums-paid-model-3")
    seen = paid("--budget", "2h", "--try", 3, "-q")
    assert seen.code == 2 and "add --try" not in seen.err, seen.err
    assert "--try 3 did not tell it: give --try another number" in seen.err


@pytest.mark.parametrize(
    ("budget", "priced", "said"),
    [
        ("$0.1", True, "too small for anything: 2 samples of sums, the cheapest task, take $0.280"),
        ("$1", False, "paid-model has no price for today"),
        ("2h", True, "how long paid-model takes for sums is not known: no finished run here tells; add --try 16"),
    ],
)
def test_a_budget_that_cannot_be_planned_for_is_one_line(paid: Callable, budget: str, priced: bool, said: str):
    seen = paid("--budget", budget, priced=priced)
    assert seen.code == 2 and seen.err.count("\n") == 1 and said in seen.err, seen.err
    assert not Path("runs").exists()


def test_a_model_on_this_machine_takes_no_dollars(cli: Callable):
    seen = cli("plan", "demo_math", "--budget", "20$", "-q")
    assert seen.code == 2 and "demo-larger runs on this machine, which charges no dollars" in seen.err


def test_a_plan_that_no_longer_holds_is_refused(paid: Callable, cli: Callable, tmp_path: Path):
    paid("--budget", "$1", "--out", "p.yaml")
    price = tmp_path / "mine.yaml"
    old = price.read_text()
    price.write_text(old.replace("input: 1000", "input: 2000"))
    seen = cli("run", "--plan", "p.yaml")
    assert seen.code == 2 and "the price of paid-model was $1000 in, $5000 out" in seen.err
    assert "and is $2000 in" in seen.err
    price.write_text(old)
    rows = (tmp_path / "sums.jsonl").read_text().splitlines()
    (tmp_path / "sums.jsonl").write_text("\n".join(rows[:9]) + "\n")
    seen = cli("run", "--plan", "p.yaml")
    assert seen.code == 2 and "sums had 10 samples when it was planned, and has 9 now" in seen.err
    (tmp_path / "sums.jsonl").write_text("\n".join([*rows[:9], rows[9].replace("27", "28")]) + "\n")
    seen = cli("run", "--plan", "p.yaml")
    assert seen.code == 2 and "the data, page or prompts of sums are no longer those that were planned" in seen.err
    # As a plain run file it still runs
    assert cli("run", "--config", "p.yaml").code == 0


def test_a_plan_fixes_what_is_run(paid: Callable, cli: Callable):
    paid("--budget", "$1", "--out", "p.yaml")
    seen = cli("run", "--plan", "p.yaml", "--limit", 3)
    assert seen.code == 2 and "--limit: a plan says what is run" in seen.err
    Path("plain.yaml").write_text("model: demo-larger\n")
    seen = cli("run", "--plan", "plain.yaml")
    assert seen.code == 2 and "has no section `plan`" in seen.err
    Path("wrong.yaml").write_text(Path("p.yaml").read_text().replace('"samples": 7', '"samples": "many"'))
    seen = cli("run", "--plan", "wrong.yaml")
    assert seen.code == 2 and seen.err.startswith("harness: wrong.yaml:") and "samples" in seen.err


def test_edited_numbers_of_samples_are_refused(paid: Callable, cli: Callable):
    paid("--budget", "$1", "--out", "p.yaml")
    text = Path("p.yaml").read_text()
    (planned,) = re.findall(r'"samples": (\d+)', text)
    Path("more.yaml").write_text(text.replace(f'"samples": {planned}', '"samples": 3'))
    seen = cli("run", "--plan", "more.yaml")
    assert seen.code == 2 and f"would run {planned} samples of sums, and `plan.work` has 3" in seen.err, seen.err
    assert not Path("runs").exists()


def test_a_plan_of_one_model_says_what_it_caps_and_speaks_of_intervals(cli: Callable):
    seen = cli("plan", "demo", "--models", "demo-larger", "--budget", "900k tokens", "--min-n", 500, "-q")
    assert seen.code == 0, seen.err
    assert "demo_math has 80 samples, fewer than the 500 of --min-n." in seen.out
    assert "the largest of the tasks' intervals is made as small as it can be" in seen.out
    assert "difference" not in seen.out


def test_a_stand_in_settles_nothing_and_its_verdict_needs_the_option(cli: Callable):
    seen = cli("plan", "dsv4-python", "--models", "demo-larger", "--budget", "4k tokens", "-q", "--out", "p.yaml")
    assert seen.code == 0, seen.err
    assert "Stand-in: demo-larger settles nothing about deepseek-v4" in " ".join(seen.out.split())
    section = read_plan(Path("p.yaml"))
    assert section.stand_ins == section.claims == ["dsv4-python"]
    (_, line) = next_steps(section, [])
    assert line.endswith("--stand-in")


@pytest.mark.slow
def test_the_tokens_of_two_models_are_planned_within_a_fifth(cli: Callable):
    seen = cli(
        "plan", "demo_math", "--models", "demo-larger,demo-smaller", "--budget", "6k tokens", "--try", 24, "-q",
        "--out", "p.yaml",
    )  # fmt: skip
    assert seen.code == 0, seen.err
    assert "Smallest difference" in seen.out and "runs/try-demo_math-demo-larger-24" in seen.out
    done = cli("run", "--plan", "p.yaml", "--json", "-q")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["planned_and_real"]
    assert [row["model"] for row in rows] == ["demo-larger", "demo-smaller"]
    for row in rows:
        assert row["samples_real"] == row["samples_planned"] >= 30
        for kind in ("tokens_in", "tokens_out"):
            assert row[f"{kind}_real"] == pytest.approx(row[f"{kind}_planned"], rel=0.2)
    assert sum(row["tokens_in_real"] + row["tokens_out_real"] for row in rows) <= 6000
    assert cli("compare", *json.loads(done.out)["runs"].values()).code == 0


def test_a_claim_gets_its_samples_where_they_settle_it(cli: Callable):
    seen = cli("plan", "dsv4-python", "--models", "demo-larger", "--budget", "4k tokens", "--json", "-q")
    assert seen.code == 0, seen.err
    plan = json.loads(seen.out)
    (decision,) = plan["decisions"]
    assert decision["task"] == "demo_code" and decision["against"] == ">= 0.85"
    assert 10 <= decision["samples"] < 80 and 0 < decision["chance"] < decision["whole"] == 1
    assert "every score alike" in decision["assumed"]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("dsv4-cheaper", "no samples settle it: it is about facts, prices or a count"),
        ("dsv4-outperforms", "it compares with gpt-4o: add a model for it to --models"),
        ("nonsense-suite", "no claim, suite or task is called 'nonsense-suite'"),
    ],
)
def test_what_no_plan_can_settle_is_one_line(cli: Callable, what: str, said: str, mirror: Path):
    seen = cli("plan", what, "--models", "demo-larger", "--budget", "10k tokens", "--mirror", mirror, "-q")
    assert seen.code == 2 and seen.err.count("\n") == 1 and said in seen.err, seen.err
