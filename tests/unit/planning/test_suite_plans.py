"""What a suite's plan promises, from earlier runs and without them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from harness.analysis.values import SampleValue, SampleValues
from harness.planning.budget import Limit
from harness.planning.costs import SampleCost
from harness.planning.earlier import Earlier
from harness.planning.sizes import ModelSize, TaskSize
from harness.planning.suites import Wish, plan_suite
from harness.store.identity import TaskIdentity

PROTOCOL = TaskIdentity("chat", 0, ("mean",), 1, 0.0, 64)


def model(name: str, tasks: dict[str, int]) -> ModelSize:
    sizes = {
        task: TaskSize(task, task, n, n, None, 1, 90.0, 64.0, False, True, True, True, "", PROTOCOL)
        for task, n in tasks.items()
    }
    return ModelSize(name, name, name, "local", False, None, "", sizes)


def cost(name: str, task: str, tokens: float) -> SampleCost:
    return SampleCost(name, task, tokens, 10.0, False, 1.0, 0.0, "", "")


def run(name: str, right: list[int]) -> Earlier:
    samples = tuple(SampleValue(f"s{place:03}", float(value)) for place, value in enumerate(right))
    values = SampleValues("sums", "exact_match", "mean", samples)
    return Earlier(f"runs/{name}", name, len(right), 90.0, 10.0, 1.0, 2.0, "", "", values)


def test_the_smallest_difference_is_shown_four_times_in_five():
    sizes = [model("a", {"sums": 400}), model("b", {"sums": 400})]
    costs = {(name, "sums"): cost(name, "sums", 90.0) for name in "ab"}
    wish = Wish("sums", Limit(42_200, "tokens", "42200 tokens"))
    plan = plan_suite(wish, sizes, {}, costs, {"a": 0.0, "b": 0.0})
    (choice,) = plan.tasks
    # 200 tokens a sample of both; a twentieth of the budget is kept back
    assert choice.samples == 200 and choice.sees is not None
    # By scipy alone: discordant samples are a quarter, and the exact test of their sides has to show it
    wins = (0.25 + choice.sees) / 2 / 0.25
    shown = 0.0
    for m in range(20, 85):
        more = np.arange(m // 2 + 1, m + 1)
        significant = 2 * binom.cdf(m - more, m, 0.5) <= 0.05
        shown += binom.pmf(m, 200, 0.25) * binom.pmf(more[significant], m, wins).sum()
    assert shown == pytest.approx(0.8, abs=0.005)


def test_models_that_agree_are_told_apart_by_fewer_samples():
    alike = {("a", "sums"): run("a", [1] * 60 + [0] * 40), ("b", "sums"): run("b", [1] * 56 + [0] * 44)}
    sizes = [model("a", {"sums": 400}), model("b", {"sums": 400})]
    costs = {(name, "sums"): cost(name, "sums", 90.0) for name in "ab"}
    wish = Wish("sums", Limit(42_200, "tokens", "42200 tokens"))
    known, blind = (plan_suite(wish, sizes, seen, costs, {"a": 0.0, "b": 0.0}) for seen in (alike, {}))
    assert known.tasks[0].sees < blind.tasks[0].sees / 2
    assert "n 100 in both, runs/a and runs/b" in known.tasks[0].spread_from
    assert blind.tasks[0].spread_from.startswith("assumed")


def test_the_dearest_tasks_are_left_out_with_the_reason_and_the_start_of_a_run_counts():
    sizes = [model("a", {"cheap": 100, "dear": 100})]
    costs = {("a", "cheap"): cost("a", "cheap", 10.0), ("a", "dear"): cost("a", "dear", 10.0)}
    costs["a", "dear"] = SampleCost("a", "dear", 90.0, 10.0, False, 30.0, 0.0, "", "")
    wish = Wish("both", Limit(100.0, "seconds", "100s"))
    plan = plan_suite(wish, sizes, {}, costs, {"a": 15.0})
    cheap, dear = plan.tasks
    assert (cheap.samples, dear.samples) == (80, 0)
    assert "its first 30 samples alone take 15 min" in dear.why
    assert plan.used == pytest.approx(95.0) and plan.used <= 100.0
    assert cheap.sees == pytest.approx(1.96 * math.sqrt(0.25 / (80 + 1.96**2)), abs=1e-3)
