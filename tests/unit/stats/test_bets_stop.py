"""Where tests by bets are said to stop: against the test itself, and against answers of real models."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np
import pytest

from harness.stats.bets import GRADED_DIFFERENCES, SCORES, MeanTest
from harness.stats.bets_stop import Groups, Population, Walks, Within, bets_stop, walks_of
from harness.stats.relations import Gap
from harness.stats.sequential_paired import PairedTest, Pairs

ALPHA = 0.05
LOG_BAR = -float(np.log(ALPHA))


def stop_of(test: MeanTest, totals: np.ndarray, counts: np.ndarray) -> int:
    """Samples after which the test itself ends on these units."""
    for total, count in zip(totals.tolist(), counts.astype(int).tolist(), strict=True):
        test.feed(total, count)
        if max(test.log_for, test.log_against) >= LOG_BAR:
            break
    return test.n


@pytest.mark.parametrize("of_items", [False, True])
@pytest.mark.parametrize("mean", [0.55, 0.8])
def test_a_simulated_run_stops_where_the_test_itself_does(of_items: bool, mean: float):
    walks = walks_of(Population(mean, 0.3), 150, of_items=of_items)
    for totals, counts in list(zip(walks.totals, walks.counts, strict=True))[:8]:
        one = Walks(totals[None], counts[None], SCORES, walks.size)
        itself = stop_of(MeanTest(0.68, SCORES, walks.size), totals, counts)
        # With fewer rates, which are a mixture nearly as good
        assert bets_stop(one, Within(low=0.68), ALPHA, ALPHA).half == pytest.approx(itself, rel=0.05, abs=2)


def test_groups_stop_where_the_test_of_whole_groups_does():
    """Beta-binomial groups of 1 to 5, drawn here: sizes, correlation and score as the plan assumes them."""
    draw, icc, mean, bar = np.random.default_rng(5), 0.3, 0.62, 0.5
    used = []
    for _ in range(31):
        sizes = draw.integers(1, 6, 140).astype(float)
        centres = draw.beta(mean * (1 - icc) / icc, (1 - mean) * (1 - icc) / icc, 140)
        totals = draw.binomial(sizes.astype(int), centres).astype(float)
        used.append(stop_of(MeanTest(bar, largest=5), totals, sizes))
    population = Population(mean, float(np.sqrt(mean * (1 - mean))), SCORES, Groups(3.0, 5), icc)
    assert bets_stop(walks_of(population, 420, of_items=False), Within(low=bar), ALPHA, ALPHA).half == pytest.approx(
        statistics.median(used), rel=0.2
    )


def test_groups_are_drawn_as_they_are_assumed():
    walks = walks_of(Population(0.7, 0.4, SCORES, Groups(2.5, 6), 0.4), 900, of_items=False)
    assert set(walks.counts.sum(axis=1)) == {900}
    full = walks.counts > 1
    assert walks.counts[walks.counts > 0].mean() == pytest.approx(2.5, rel=0.03) and walks.counts.max() == 6
    means = walks.totals[full] / walks.counts[full]
    assert means.mean() == pytest.approx(0.7, abs=0.01)
    # Of k values that correlate by 0.4 the mean has this variance
    expected = 0.16 * np.mean((1 + (walks.counts[full] - 1) * 0.4) / walks.counts[full])
    assert means.var() == pytest.approx(expected, rel=0.05)


def test_within_a_margin_takes_both_ends_and_is_refuted_by_one():
    walks = walks_of(Population(0.55, 0.3), 400, of_items=False)
    above = bets_stop(walks, Within(low=0.4), ALPHA, ALPHA)
    both = bets_stop(walks, Within(0.4, 0.7), ALPHA, ALPHA)
    assert both.half >= above.half and both.supported > 0.9
    beyond = bets_stop(walks, Within(0.1, 0.4), ALPHA, ALPHA)
    assert beyond.refuted > 0.9
    # At half of alpha
    assert beyond.half == bets_stop(walks, Within(high=0.4), ALPHA / 2, ALPHA).half


def test_exactly_these_items_are_decided_by_the_last_one():
    found = bets_stop(walks_of(Population(0.5, 0.2), 60, of_items=True), Within(low=0.49), ALPHA, ALPHA)
    assert found.supported == 1.0 and found.refuted == 0.0 and found.half <= 60


def test_a_verdict_waits_for_the_least_number_of_samples():
    walks = walks_of(Population(0.95, 0.1), 200, of_items=False)
    assert bets_stop(walks, Within(low=0.3), ALPHA, ALPHA, least=50).half == 50


@pytest.mark.parametrize("population", [Population(1.2, 0.1), Population(0.5, 0.1, icc=1.5)])
def test_what_cannot_be_is_refused(population: Population):
    with pytest.raises(ValueError, match="population"):
        walks_of(population, 10, of_items=False)
    with pytest.raises(ValueError, match="groups"):
        Groups(5.0, 4)


@pytest.mark.slow
def test_two_models_with_several_answers_stop_as_predicted():
    draw, size = np.random.default_rng(9), 500
    used, differences = [], []
    for _ in range(25):
        hard = draw.beta(0.4, 0.4, size)
        first = draw.binomial(4, np.clip(hard + 0.1, 0, 1)) / 4
        second = draw.binomial(4, np.clip(hard - 0.05, 0, 1)) / 4
        differences.append(first - second)
        test = PairedTest(Gap(), Pairs(size, graded=True), None)
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            test.feed([one], [other])
            if max(test.log_for, test.log_against) >= LOG_BAR:
                break
        used.append(test.n)
    every = np.concatenate(differences)
    population = Population(float(every.mean()), float(every.std()), GRADED_DIFFERENCES)
    predicted = bets_stop(walks_of(population, size, of_items=False), Within(low=0.0), ALPHA, ALPHA)
    assert predicted.half == pytest.approx(statistics.median(used), rel=0.2)


@pytest.mark.slow
def test_on_answers_of_real_models_the_median_is_within_a_fifth(shared: Path):
    """Shares of ten answers of three models to CRUXEval, replayed through the test itself.

    `benchmarks/evidence_plan.py` has more.
    """
    page = json.loads((shared / "difficulty" / "cruxeval_output.json").read_text(encoding="utf-8"))
    draw, off = np.random.default_rng(1), []
    for name in ("gpt-4-0613+cot", "codellama-34b+cot", "phi-1"):
        values = np.array(page["share_of_10_right"][page["models"].index(name)])
        for distance in (0.12, -0.15, 0.2):
            bar = float(values.mean()) + distance
            if not 0.05 < bar < 0.95:
                continue
            used = []
            for _ in range(101):
                drawn = draw.choice(values, len(values))
                used.append(stop_of(MeanTest(bar), drawn, np.ones(len(values))))
            population = Population(float(values.mean()), float(values.std()))
            predicted = bets_stop(walks_of(population, len(values), of_items=False), Within(low=bar), ALPHA, ALPHA)
            off.append(abs(predicted.half / statistics.median(used) - 1))
    assert len(off) >= 6 and statistics.median(off) <= 0.2
