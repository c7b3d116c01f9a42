"""A budget is never exceeded, whatever is in flight."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from harness.cost.budget import Budget, Spending
from harness.cost.ledger import RunLedger
from harness.cost.prices import Price, dearest
from harness.datatypes import Attempt
from harness.engines.base import PromptSize
from harness.errors import EngineError

PRICE = Price("p", input=10.0, cached=1.0, output=50.0)


def attempt(key: str, prompt: int, output: int, cached: int = 0, reasoning: int = 0) -> Attempt:
    """An answered attempt of now."""
    return Attempt(key, "http://h/v1", time.time(), 0.1, "answered", True, 200, prompt, cached, 0, output, reasoning)


def test_what_is_in_flight_counts_at_its_worst_until_it_is_recorded(tmp_path: Path):
    ledger = RunLedger(tmp_path, Budget(tokens=100))
    assert ledger.reserve("a", 10, 40) and ledger.reserve("b", 10, 40)
    assert not ledger.reserve("c", 1, 0)
    ledger.record(attempt("a", 10, 5))
    assert ledger.reserve("c", 10, 25) and not ledger.reserve("d", 1, 0)
    assert ledger.spent.tokens == 15
    ledger.close()


def test_retries_of_one_key_are_each_reserved_and_each_paid(tmp_path: Path):
    ledger = RunLedger(tmp_path, Budget(tokens=100))
    for _ in range(3):
        assert ledger.reserve("a", 10, 20)
        ledger.record(attempt("a", 10, 20))
    assert not ledger.reserve("a", 10, 1)
    ledger.close()
    resumed = RunLedger(tmp_path, Budget(tokens=100))
    assert resumed.spent.tokens == 90 and resumed.reserve("a", 10, 0) and not resumed.reserve("b", 1, 0)
    resumed.close()


def test_many_threads_together_stay_within_the_budget(tmp_path: Path):
    ledger = RunLedger(tmp_path, Budget(dollars=0.01, prices=(PRICE,)))

    def one(number: int) -> None:
        if ledger.reserve(str(number), 10, 20):
            assert ledger.spent.dollars <= 0.01
            ledger.record(attempt(str(number), 10, 20))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(200)))
    # 1.1 thousandths each
    assert ledger.spent.dollars == pytest.approx(9 * 0.0011)
    assert ledger.exhausted().startswith("stopped at $0.00990 of $0.0100; the next request may cost $0.00110")
    ledger.close()


def test_cached_tokens_have_their_price_and_reasoning_is_output(tmp_path: Path):
    budget = Budget(prices=(PRICE,))
    assert budget.cost(attempt("a", 1_000_000, 0, cached=400_000)).dollars == pytest.approx(6.0 + 0.4)
    assert budget.cost(attempt("a", 0, 1_000_000, reasoning=900_000)).dollars == pytest.approx(50.0)
    plain = Budget(prices=(Price("p", input=10.0, output=50.0),))
    assert plain.cost(attempt("a", 1_000_000, 0, cached=400_000)).dollars == pytest.approx(10.0)


def test_of_peak_and_off_peak_prices_the_dearest_counts():
    day = date(2026, 11, 1)
    off, peak = Price("p", 0.5, 1.0, 0.1, hours="off_peak"), Price("p", 1.0, 2.0, 0.2, hours="peak")
    ended = Price("p", 9.0, 9.0, until=date(2026, 1, 1))
    found = dearest([off, peak, ended], day)
    assert found is not None and (found.input, found.cached, found.output) == (1.0, 0.2, 2.0)
    assert dearest([ended], day) is None


def test_runs_that_share_a_budget_stay_within_it_together_with_their_earlier_tries(tmp_path: Path):
    budget = Budget(tokens=100)
    for name, key in (("a", "x"), ("b", "y")):
        (tmp_path / name).mkdir()
        earlier = RunLedger(tmp_path / name, budget)
        earlier.record(attempt(key, 10, 10))
        earlier.close()
    together = Spending()
    first, second = (RunLedger(tmp_path / name, budget, together) for name in "ab")
    assert first.spent.tokens == second.spent.tokens == 40
    assert first.reserve("p", 10, 30)
    assert not second.reserve("q", 10, 20)
    # What the other has under way may cost less: no reason to end yet
    assert second.exhausted() == ""
    first.record(attempt("p", 10, 1))
    assert second.exhausted() == "" and second.reserve("q", 10, 20)
    assert not first.reserve("r", 10, 20) and first.exhausted() == ""
    # A run that ends holds nothing any more
    second.close()
    assert first.reserve("r", 10, 20)
    first.record(attempt("r", 10, 20))
    assert not first.reserve("s", 20, 0) and first.exhausted().startswith("stopped at 81 of 100 tokens")
    first.close()


def test_threads_of_two_runs_with_prices_of_their_own_stay_within_one_budget(tmp_path: Path):
    together, dear = Spending(), Price("d", input=100.0, cached=10.0, output=500.0)
    ledgers = []
    for name, price in (("a", PRICE), ("b", dear)):
        (tmp_path / name).mkdir()
        ledgers.append(RunLedger(tmp_path / name, Budget(dollars=0.05, prices=(price,)), together))

    def one(number: int) -> None:
        ledger = ledgers[number % 2]
        if ledger.reserve(str(number), 10, 20):
            assert together.spent.dollars <= 0.05
            ledger.record(attempt(str(number), 10, 20))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(400)))
    # Less than the cheapest attempt is left
    assert 0.05 - 0.0011 < together.spent.dollars <= 0.05
    for ledger in ledgers:
        ledger.close()


def test_a_used_up_budget_is_refused_before_anything_is_sent(tmp_path: Path):
    sizes = [PromptSize(10, 0, 20, ""), PromptSize(5, 0, 20, "")]
    first = RunLedger(tmp_path, Budget(tokens=100))
    first.require_room(sizes)
    first.record(attempt("a", 10, 70))
    first.close()
    again = RunLedger(tmp_path, Budget(tokens=100))
    with pytest.raises(EngineError, match="stopped at 80 of 100 tokens; the next request may take 25"):
        again.require_room(sizes)
    again.close()
    larger = RunLedger(tmp_path, Budget(tokens=105))
    larger.require_room(sizes)
    larger.close()
