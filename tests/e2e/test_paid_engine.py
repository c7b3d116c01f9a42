"""A run that costs money: the budget, the ledger of attempts, interrupts, and what a resumed run refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from files import read_jsonl
from paid_engine import install

# An answer: 60 fresh, 40 cached, 4 out = $0.06 + $0.004 + $0.02; its worst case (8 out, nothing cached) is $0.14
ANSWER = 0.084
# The start probe: 10 in, 1 out
PROBE = 0.015


@pytest.fixture
def paid(cli: Callable, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """`harness run` of ten sums with the paid engine."""
    install(tmp_path, monkeypatch)

    def run(*words: object, priced: bool = True) -> object:
        price = ("--set", "model.price=./mine.yaml") if priced else ()
        base = ("--engine", "paid", "--model", "paid-model", "--tasks", sums, "--out", "run")
        return cli("run", *base, *price, *words)

    return run


def keys(folder: Path = Path("run")) -> list[str]:
    """Keys of the records, in the order of the journal."""
    return [row["request"]["key"] for row in read_jsonl(folder / "records.jsonl")]


def spent() -> float:
    """Dollars by the attempts on disk."""
    rows = read_jsonl(Path("run/attempts.jsonl"))
    return sum(
        (
            (row["prompt_tokens"] - row["cached_tokens"]) * 1000
            + row["cached_tokens"] * 100
            + row["output_tokens"] * 5000
        )
        / 1e6
        for row in rows
    )


def test_a_run_never_costs_more_than_its_budget_and_goes_on_with_a_larger_one(paid: Callable):
    seen = paid("--max-cost", 0.5)
    assert seen.code == 3
    assert "stopped at $0.435 of $0.500" in seen.err and "run again with a larger --max-cost to go on" in seen.err
    assert spent() == pytest.approx(PROBE + 5 * ANSWER) and len(keys()) == 5
    again = paid("--max-cost", 0.5)
    # Nothing was sent, not even the probe
    assert again.code == 3 and len(keys()) == 5 and "of $0.500" in again.err
    done = paid("--max-cost", 2)
    assert done.code == 0, done.err
    assert len(keys()) == 10 == len(set(keys()))
    assert spent() == pytest.approx(2 * PROBE + 10 * ANSWER)


def test_tokens_can_be_limited_without_a_price(paid: Callable):
    seen = paid("--max-total-tokens", 400, priced=False)
    assert seen.code == 3 and "stopped at 323 of 400 tokens" in seen.err, seen.err
    assert len(keys()) == 3


@pytest.mark.parametrize("limit", [("--max-cost", 0.02), ("--max-total-tokens", 50)])
def test_a_budget_that_cannot_hold_one_request_is_refused_before_a_request(paid: Callable, limit: tuple[str, float]):
    seen = paid(*limit)
    assert seen.code == 2, seen.err
    (least,) = re.findall(r"give at least ([0-9.]+),", seen.err)
    assert float(least) > limit[1]
    assert not Path("run/attempts.jsonl").exists() or not read_jsonl(Path("run/attempts.jsonl"))


def test_a_limit_in_dollars_needs_a_price_and_says_how_to_name_one(paid: Callable):
    seen = paid("--max-cost", 1, priced=False)
    assert seen.code == 2 and "model.price=NAME" in seen.err and "harness cost list" in seen.err
    assert not Path("run").exists()


def test_a_limit_on_an_engine_that_spends_nothing_is_refused(cli: Callable):
    seen = cli("run", "--model", "demo-smaller", "--tasks", "demo_math", "--limit", 1, "--max-cost", 1)
    assert seen.code == 2 and "leave them out" in seen.err


def test_an_interrupt_waits_for_what_is_paid_for_and_the_next_try_requests_only_the_rest(paid: Callable):
    seen = paid("--set", "engine.interrupted_at=3", "--set", "engine.in_flight=2")
    assert seen.code == 130
    assert "answers that are under way, since they are paid for: 2;" in seen.err
    assert len(keys()) == 5
    assert json.loads(Path("run/manifest.json").read_text())["status"] == "interrupted"
    done = paid()
    assert done.code == 0 and len(keys()) == 10 == len(set(keys()))
    answered = [row["key"] for row in read_jsonl(Path("run/attempts.jsonl")) if row["key"]]
    assert sorted(answered) == sorted(keys())


def test_an_interrupt_waits_for_nothing_where_nothing_is_under_way(paid: Callable):
    seen = paid("--set", "engine.interrupted_at=3")
    assert seen.code == 130 and "under way" not in seen.err


def test_that_a_server_is_tried_is_a_line_before_its_answer(paid: Callable):
    assert "trying the server" in paid().err


def test_a_second_interrupt_leaves_at_once(paid: Callable):
    seen = paid(
        "--set", "engine.interrupted_at=3", "--set", "engine.interrupted_again=true", "--set", "engine.in_flight=2"
    )
    assert seen.code == 130 and len(keys()) <= 3
    assert paid().code == 0 and len(keys()) == 10


def test_answers_before_and_after_a_failure_of_the_engine_are_kept(paid: Callable):
    seen = paid("--set", "engine.fails_at=4", "--set", "engine.in_flight=2")
    assert seen.code == 3 and "the server is gone" in seen.err
    assert len(keys()) == 6
    assert paid().code == 0 and len(keys()) == 10


def test_a_wait_is_a_line_where_there_is_no_terminal(paid: Callable):
    seen = paid()
    assert seen.err.count("waiting 12 s for the server (429 x3)") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [("engine.served=other", "another model (m, now other)"), ("engine.sampler={top_k: 1}", "another set of sampler")],
)
def test_answers_of_another_model_or_sampler_are_not_mixed(paid: Callable, change: str, message: str):
    assert paid("--set", "engine.fails_at=4").code == 3
    seen = paid("--set", change)
    assert seen.code == 2 and message in seen.err
    assert paid().code == 0


def test_another_fingerprint_is_a_note_of_the_finished_run(paid: Callable):
    assert paid("--set", "engine.fails_at=4").code == 3
    assert paid("--set", "engine.fingerprint=f2", "--set", "engine.fails_at=4").code == 3
    assert paid("--set", "engine.fingerprint=f2").code == 0
    notes = json.loads(Path("run/manifest.json").read_text())["engine"]["notes"]
    assert [note for note in notes if "fingerprint changed" in note and "f1 to f2" in note]


def test_a_dry_run_says_what_it_would_cost_at_most_and_by_the_answers_so_far(paid: Callable):
    seen = paid("--dry-run")
    assert seen.code == 0, seen.err
    assert "~1000 tokens in" in seen.out and "$1.40 at most" in seen.out and "mine since 2026-01-01" in seen.out
    assert not Path("run").exists()
    assert paid("--set", "engine.fails_at=4").code == 3
    document = json.loads(paid("--dry-run", "--json").out)
    assert document["dollars_at_most"] == pytest.approx(1.4)
    assert document["dollars_typical"] == pytest.approx(1.2)
    assert document["tasks"][0]["estimated"] is True and document["tasks"][0]["answered"] == 4
    assert "unknown: no price" in paid("--dry-run", priced=False).out


def test_the_cost_of_a_run_is_that_of_every_attempt_by_the_models_own_price(paid: Callable, cli: Callable):
    assert paid("--set", "engine.fails_at=4").code == 3
    assert paid().code == 0
    seen = cli("cost", "run", "--json")
    assert seen.code == 0, seen.err
    row = json.loads(seen.out)["rows"][0]
    assert row["dollars"] == pytest.approx(2 * PROBE + 10 * ANSWER) == pytest.approx(spent())
    assert row["dollars_per_solved"] == pytest.approx(row["dollars"] / 10)
    shown = " ".join(cli("cost", "run").out.split())
    assert (
        "12 requests" in shown and "2 of the start probe" in shown and "20 of the output tokens are reasoning" in shown
    )


def test_two_runs_are_compared_by_the_tokens_that_they_took(paid: Callable, cli: Callable, tmp_path: Path):
    (tmp_path / "dear.yaml").write_text(
        (tmp_path / "mine.yaml").read_text().replace("mine", "dear").replace("00\n", "000\n")
    )
    assert paid().code == 0
    assert paid("--set", "model.price=./dear.yaml", "--out", "dear", priced=False).code == 2, "--out is given twice"
    words = ("--engine", "paid", "--model", "paid-model", "--tasks", "sums.yaml", "--out", "dear")
    assert cli("run", *words, "--set", "model.price=./dear.yaml").code == 0
    seen = cli("cost", "compare", "run", "dear", "--cheaper-by", "60%", "--json")
    assert seen.code == 0, seen.err
    ours, theirs = json.loads(seen.out)["runs"]
    assert ours["dollars_per_answer"] == pytest.approx((PROBE + 10 * ANSWER) / 10)
    assert theirs["saving_per_answer"] == pytest.approx(0.9) and theirs["passes_per_solved"] is True
    assert "Cost by measured tokens" in cli("cost", "compare", "run", "dear").out
