"""Stopping early: e-values against integrals written out, and error rates by exact walks over all outcomes.

A walk goes through every state (right, wrong) that a test can reach with its probability, so that the rates it finds
have no noise; simulated runs then feed the real objects.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import integrate

from harness.stats.sequential import (
    BenchmarkTest,
    SkillTest,
    log_finite_mixture,
    log_mixture,
)


@dataclass(frozen=True)
class Rates:
    """What becomes of a test: the chance of each verdict within the cap, and the mean number of samples."""

    refuted: float
    supported: float
    mean_n: float


def walk(decide: Callable[[int, int], str], chance: Callable[[int, int], float], cap: int) -> Rates:
    """Follow all outcomes until `decide(right, wrong)` is not "open", or the cap."""
    alive = {(0, 0): 1.0}
    ended = {"refuted": 0.0, "supported": 0.0}
    mean_n = 0.0
    for n in range(1, cap + 1):
        after: dict[tuple[int, int], float] = {}
        for (right, wrong), weight in alive.items():
            p = chance(right, wrong)
            for state, share in (((right + 1, wrong), p), ((right, wrong + 1), 1 - p)):
                if share > 0:
                    after[state] = after.get(state, 0.0) + weight * share
        alive = {}
        for state, weight in after.items():
            verdict = decide(*state)
            if verdict == "open" and n < cap:
                alive[state] = weight
            else:
                mean_n += n * weight
                if verdict != "open":
                    ended[verdict] += weight
    return Rates(ended["refuted"], ended["supported"], mean_n)


def against_only(p0: float, alpha: float = 0.05) -> Callable[[int, int], str]:
    """The one-sided test of the tabled figures: it can only refute."""
    return lambda right, wrong: "refuted" if log_mixture(right, wrong, p0) >= -math.log(alpha) else "open"


@pytest.mark.parametrize(("right", "wrong", "p0"), [(0, 3, 0.9), (12, 5, 0.9), (40, 30, 0.5), (3, 0, 0.2), (0, 0, 0.7)])
def test_the_e_value_is_the_integral(right: int, wrong: int, p0: float) -> None:
    likelihood, _ = integrate.quad(lambda x: x**right * (1 - x) ** wrong / p0, 0, p0, epsabs=0, epsrel=1e-11)
    assert math.exp(log_mixture(right, wrong, p0)) == pytest.approx(
        likelihood / (p0**right * (1 - p0) ** wrong), rel=1e-8
    )


def test_the_e_value_survives_what_underflows() -> None:
    # Integral of x^1000 over (0, .1), over .1^1001: 1 / 1001
    assert log_mixture(1000, 0, 0.1) == pytest.approx(-math.log(1001), rel=1e-12)
    grid = (np.arange(2_000_000) + 0.5) / 2_000_000 * 0.3
    logs = 2000 * np.log(grid / 0.3) + 100 * np.log((1 - grid) / 0.7)
    assert log_mixture(2000, 100, 0.3) == pytest.approx(np.log(np.mean(np.exp(logs))), rel=1e-5)
    assert math.isfinite(log_mixture(50_000, 50_000, 0.01))


def test_an_e_value_is_expected_never_to_grow_while_the_claim_is_true() -> None:
    for truth in (0.9, 0.93, 0.99):
        for n in (1, 5, 40):
            mean = sum(
                math.comb(n, k) * truth**k * (1 - truth) ** (n - k) * math.exp(log_mixture(k, n - k, 0.9))
                for k in range(n + 1)
            )
            assert mean <= 1 + 1e-9
            assert truth > 0.9 or mean == pytest.approx(1)


@pytest.mark.parametrize(
    ("truth", "refuted", "mean_n"),
    [(0.9, 0.023, None), (0.8, 0.791, 88), (0.7, 1.0, 27), (0.5, 1.0, 7.7), (0.3, 1.0, 3.8)],
)
def test_refuting_90_percent_within_164_as_tabled(truth: float, refuted: float, mean_n: float | None) -> None:
    """The table was simulated, so it holds to about its last digit."""
    seen = walk(against_only(0.9), lambda right, wrong: truth, 164)
    assert seen.refuted == pytest.approx(refuted, abs=0.005)
    if mean_n is not None:
        assert seen.mean_n == pytest.approx(mean_n, abs=0.6 if mean_n > 10 else 0.1)


@pytest.mark.parametrize("threshold", [0.5, 0.85, 0.9])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_no_error_is_made_more_often_than_alpha_though_one_looks_every_time(threshold: float, alpha: float) -> None:
    def decide(right: int, wrong: int) -> str:
        bar = -math.log(alpha)
        if log_mixture(right, wrong, threshold) >= bar:
            return "refuted"
        return "supported" if log_mixture(wrong, right, 1 - threshold) >= bar else "open"

    at_threshold = walk(decide, lambda right, wrong: threshold, 300)
    assert at_threshold.refuted <= alpha
    assert at_threshold.supported <= alpha
    assert walk(decide, lambda right, wrong: min(0.99, threshold + 0.02), 300).refuted <= at_threshold.refuted
    assert walk(decide, lambda right, wrong: threshold - 0.02, 300).supported <= at_threshold.supported


def test_a_model_at_10_percent_settles_nearly_90_percent_within_ten_problems() -> None:
    generator = np.random.default_rng(1)
    taken = []
    for _ in range(500):
        test = SkillTest(0.85)
        while test.verdict == "open":
            test.feed(int(generator.random() < 0.1))
        assert test.verdict == "refuted"
        taken.append(test.n)
    assert np.mean(np.array(taken) <= 10) > 0.99
    assert np.mean(taken) < 4


def test_simulated_runs_of_the_real_test_err_as_the_walk_says() -> None:
    generator = np.random.default_rng(2)
    wrongly = 0
    for answers in (generator.random((600, 120)) < 0.9).tolist():
        test = SkillTest(0.9)
        for answer in answers:
            test.feed(int(answer))
        wrongly += test.verdict == "refuted"
    assert wrongly / 600 <= 0.05


def test_a_verdict_stays() -> None:
    test = SkillTest(0.9)
    for _ in range(3):
        test.feed(0)
    assert test.verdict == "refuted"
    for _ in range(50):
        assert test.feed(1) == "refuted"
    assert (test.right, test.wrong, test.n) == (50, 3, 53)


def test_a_good_model_is_supported() -> None:
    test = SkillTest(0.5)
    while test.verdict == "open":
        test.feed(1)
    assert (test.verdict, test.n) == ("supported", 7)
    # Integral of x^7 over (.5, 1), over .5^8
    assert math.exp(test.log_for) == pytest.approx((1 - 0.5**8) / 8 / 0.5**8)


@pytest.mark.parametrize("size", [1, 12, 25])
@pytest.mark.parametrize("threshold", [0.3, 0.9])
def test_a_benchmarks_own_score_is_judged_wrongly_at_most_alpha_of_the_time(size: int, threshold: float) -> None:
    needed = BenchmarkTest(threshold, size).needed

    def decide(right: int, wrong: int) -> str:
        test = BenchmarkTest(threshold, size)
        test.right, test.wrong = (right - 1, wrong) if right else (right, wrong - 1)
        return test.feed(int(right > 0))

    for solved in range(size + 1):
        seen = walk(decide, lambda right, wrong, solved=solved: (solved - right) / (size - right - wrong), size)
        assert seen.refuted + seen.supported == pytest.approx(1)
        assert (seen.refuted if solved >= needed else seen.supported) <= 0.05
        assert seen.mean_n <= size


def test_the_finite_e_value_written_out() -> None:
    right, wrong, needed, size = 3, 4, 9, 12

    def likelihood(solved: int) -> float:
        if not right <= solved <= size - wrong:
            return 0.0
        return math.comb(size - right - wrong, solved - right) / math.comb(size, solved)

    assert log_finite_mixture(2, 3, 9, 12) == pytest.approx(
        math.log(
            sum(math.comb(7, k - 2) / math.comb(12, k) for k in range(2, 9)) / 9 / (math.comb(7, 7) / math.comb(12, 9))
        )
    )
    # Four wrong of twelve: nine right have become impossible
    assert likelihood(needed) == 0
    assert log_finite_mixture(right, wrong, needed, size) == math.inf
    assert log_finite_mixture(9, 0, 9, 12) == -math.inf


def test_a_benchmark_is_settled_for_certain_by_what_cannot_change_any_more() -> None:
    test = BenchmarkTest(1.0, 500)
    assert test.feed(1) == "open"
    assert test.feed(0) == "refuted"
    assert test.certain
    short = BenchmarkTest(0.5, 2)
    assert (short.feed(1), short.certain) == ("supported", True)
    assert BenchmarkTest(0.0, 10).verdict == "supported"


def test_certainty_overrules_an_early_verdict() -> None:
    test = BenchmarkTest(0.9, 100)
    for _ in range(4):
        test.feed(0)
    assert (test.verdict, test.certain) == ("refuted", False)
    for _ in range(90):
        test.feed(1)
    assert (test.verdict, test.certain) == ("supported", True)


def test_drawing_without_replacement_saves_items() -> None:
    """80 % of HumanEval against "at least 148 of 164"."""
    skill = walk(against_only(0.9), lambda right, wrong: 131 / 164, 164)

    def decide(right: int, wrong: int) -> str:
        return "refuted" if log_finite_mixture(right, wrong, 148, 164) >= math.log(20) else "open"

    items = walk(decide, lambda right, wrong: (131 - right) / (164 - right - wrong), 164)
    assert items.refuted == pytest.approx(1)
    assert items.mean_n < skill.mean_n - 10


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        SkillTest(0.9).feed(0.5)
    with pytest.raises(ValueError, match="threshold"):
        SkillTest(1.0)
    whole = BenchmarkTest(0.5, 1)
    whole.feed(1)
    with pytest.raises(ValueError, match="fed already"):
        whole.feed(1)
