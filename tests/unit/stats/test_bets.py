"""Bets on values that are no 0 or 1, and on clusters: what an e-value is on average, and how often the test errs."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.stats.bets import GRADED_DIFFERENCES, SCORES, AtMost, Fed, MeanTest, Range, anytime_mean_interval


@pytest.mark.parametrize(("values", "bound"), [(SCORES, 0.4), (SCORES, 0.9), (GRADED_DIFFERENCES, -0.3)])
def test_the_capital_has_mean_one_at_the_bound_after_every_number_of_values(values: Range, bound: float):
    """All sequences of three values with their probabilities, whose mean is the bound: E[e] = 1."""
    middle = (values.low + values.high) / 2
    share = 0.3 * (values.high - bound) / (values.high - values.low)
    chances = {middle: 0.2, values.high: share}
    chances[values.low] = 1 - sum(chances.values())
    bound = sum(value * chance for value, chance in chances.items())
    for n in (1, 3, 5):
        total = 0.0
        for sequence in itertools.product(chances, repeat=n):
            process = AtMost(bound, None, values)
            for one in sequence:
                process.feed(one)
            total += math.exp(process.log_e) * math.prod(chances[one] for one in sequence)
        assert total == pytest.approx(1)


def test_without_replacement_the_capital_has_mean_at_most_one():
    """All orders of six graded items, at their mean and below it."""
    items = [0.0, 0.25, 0.5, 0.5, 0.75, 1.0]
    for bound in (0.5, 0.6):
        for n in (2, 4, 6):
            orders = set(itertools.permutations(items, n))
            total = weight = 0.0
            for order in itertools.permutations(range(6), n):
                process = AtMost(bound, 6, SCORES)
                for place in order:
                    process.feed(items[place])
                total, weight = total + math.exp(process.log_e), weight + 1
            assert orders and total / weight <= 1 + 1e-9


def test_one_value_far_from_the_mean_says_as_much_as_a_rate_of_bets_lets_it():
    """A single 1 against a mean of 0.5 doubles the capital of rate 1, and the mean over rates is 1.5."""
    process = AtMost(0.5, None, SCORES)
    process.feed(1.0)
    assert math.exp(process.log_e) == pytest.approx(1.5)


@pytest.mark.parametrize("side", ["refuted", "supported"])
def test_partial_credit_at_the_bar_is_decided_no_more_often_than_alpha(side: str):
    """Thousands of runs with a mean of exactly the bar, looked at after each of 150 values: one capital per run."""
    draw = np.random.default_rng(12)
    values = draw.beta(0.6, 0.4, (3000, 150))
    values = np.where(draw.random(values.shape) < 0.5, values, np.round(values, 1))
    bar = 0.6
    shift = bar - values.mean()
    values = np.clip(values + shift, 0, 1)
    bar = float(values.mean())
    facing = values if side == "supported" else 1 - values
    bound = bar if side == "supported" else 1 - bar
    rates = (np.arange(100) + 0.5) / 100
    capital, highest = np.zeros((3000, 100)), np.zeros(3000)
    for step in range(150):
        capital += np.log1p(rates * ((facing[:, step] - bound) / bound)[:, None])
        top = capital.max(axis=1)
        highest = np.maximum(highest, top + np.log(np.exp(capital - top[:, None]).mean(axis=1)))
    test = MeanTest(bar, SCORES)
    for one in values[0]:
        test.feed(float(one))
    seen = test.highest_in_favour if side == "supported" else test.highest_against
    assert seen == pytest.approx(highest[0])
    assert (highest >= math.log(20)).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 3000)


def test_clusters_that_answer_alike_are_decided_wrongly_no_more_often_than_alpha_and_samples_alone_would_be():
    """Clusters of 1 to 6 equal answers, the mean over samples at the bar: as units; and as if all were independent."""
    draw = np.random.default_rng(5)
    wrong = {"clusters": 0, "samples": 0}
    for _ in range(150):
        sizes = draw.integers(1, 7, 60)
        answers = draw.random(60) < 0.5
        units, alone = MeanTest(0.5, SCORES, largest=6), MeanTest(0.5, SCORES)
        for size, right in zip(sizes.tolist(), answers.tolist(), strict=True):
            units.feed(size * float(right), size)
            for _ in range(size):
                alone.feed(float(right))
        for name, test in (("clusters", units), ("samples", alone)):
            wrong[name] += min(test.test.p_for, test.test.p_against) <= 0.025
    assert wrong["clusters"] / 150 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)
    assert wrong["samples"] / 150 > 0.2


def test_a_score_far_from_the_bar_is_settled_soon_and_the_interval_agrees():
    draw = np.random.default_rng(2)
    for bar, word in ((0.4, "supported"), (0.9, "refuted")):
        test, totals = MeanTest(bar, SCORES), []
        for one in draw.beta(7, 3, 200):
            test.feed(float(one))
            totals.append(float(one))
            if min(test.test.p_for, test.test.p_against) <= 0.025:
                break
        assert len(totals) < 40
        assert (test.test.p_for <= 0.025) == (word == "supported")
        low, high = anytime_mean_interval(Fed(tuple(totals), (1,) * len(totals), SCORES))
        assert low > bar if word == "supported" else high < bar


def test_exactly_these_items_end_with_certainty_whatever_the_last_are():
    test = MeanTest(0.5, SCORES, size=4)
    for one in (0.75, 0.75, 0.5):
        test.feed(one)
    assert test.certain == "supported"
    strict = MeanTest(0.5, SCORES, size=2, strict=True)
    strict.feed(0.5)
    strict.feed(0.5)
    assert strict.certain == "refuted"
    low, high = anytime_mean_interval(Fed((0.75, 0.5), (1, 1), SCORES, 2))
    assert (low, high) == (pytest.approx(0.625), pytest.approx(0.625))


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(ValueError, match="within 0 and 1"):
        MeanTest(1.0, SCORES)
    with pytest.raises(ValueError, match="from 0 to 1"):
        MeanTest(0.5, SCORES).feed(1.2)
    with pytest.raises(ValueError, match="1 to 3 samples"):
        MeanTest(0.5, SCORES, largest=3).feed(2.0, 4)
    with pytest.raises(ValueError, match="one by one"):
        MeanTest(0.5, SCORES, size=10, largest=3)
