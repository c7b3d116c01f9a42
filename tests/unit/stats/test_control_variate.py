"""Difficulty as a control variate: it may cost samples, never error, whatever the difficulties are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from harness.stats.control_variate import AtLeast, CountTest, known_of
from harness.stats.control_variate_interval import Drawn, items_interval
from harness.stats.control_variate_stop import Answers, simulated, stopped
from harness.stats.exact_interval import Levels
from harness.stats.exact_stopping import items_rule
from harness.stats.proportions import clopper_pearson_lower

TINY, SIZE, ORDERS = 6, 100, 500
LEVELS = Levels(0.05, 0.05)


def figures_of(kind: str, truth: np.ndarray) -> np.ndarray:
    """Difficulties that an adversary who knows every answer might publish, and ordinary ones."""
    draw = np.random.default_rng(5)
    made = {
        "right": truth,
        "inverted": 1 - truth,
        "one outlier": np.where(np.arange(len(truth)) == 0, 1.0, 0.0),
        "outlier among the wrong": np.where(np.arange(len(truth)) == len(truth) - 1, 1.0, 0.0),
        "nearly constant": 0.5 + 1e-9 * np.arange(len(truth)),
        "unrelated": draw.random(len(truth)),
        "beyond shares": 40 * (draw.random(len(truth)) - 0.5),
    }
    return np.asarray(made[kind], dtype=float)


KINDS = ["right", "inverted", "one outlier", "outlier among the wrong", "nearly constant", "unrelated", "beyond shares"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slope", [pytest.param(0.0, marks=pytest.mark.slow), 1.2])
def test_over_all_orders_of_a_tiny_set_the_expected_e_value_never_exceeds_1(kind: str, slope: float):
    """Exact, by enumeration: at the edge of the hypothesis and above it, after every item, on both sides."""
    orders = np.array(list(itertools.permutations(range(TINY))))
    for right in range(1, TINY + 1):
        truth = (np.arange(TINY) < right).astype(float)
        figures = figures_of(kind, truth)
        for needed in {right, max(1, right - 1)}:
            process = AtLeast(known_of(figures, slope), np.full(len(orders), needed))
            highest = np.full(len(orders), -math.inf)
            for place in range(TINY):
                process.feed(truth[orders[:, place]], figures[orders[:, place]])
                highest = np.maximum(highest, process.log_e)
                assert np.exp(process.log_e).mean() <= 1 + 1e-9
            for alpha in (0.05, 0.2, 0.5):
                assert np.mean(highest >= -math.log(alpha)) <= alpha


@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("share", [0.3, pytest.param(0.9, marks=pytest.mark.slow)])
def test_looking_after_every_item_a_true_statement_is_rarely_refuted(kind: str, share: float):
    draw, right = np.random.default_rng(3), round(share * SIZE)
    truth = (np.arange(SIZE) < right).astype(float)
    figures = figures_of(kind, truth)
    orders = np.argsort(draw.random((ORDERS, SIZE)), axis=1)
    answers = Answers(truth[orders], figures[orders])
    # Just true, and just false
    for needed, false in ((right, -1), (right + 1, 1)):
        wrong = int(np.sum(stopped(answers, known_of(figures, 0.8), needed, LEVELS).word == false))
        assert clopper_pearson_lower(wrong, ORDERS, 0.95) <= LEVELS.lower


def test_shuffled_difficulties_cost_samples_and_no_error():
    draw = np.random.default_rng(4)
    figures = np.linspace(0.05, 0.95, SIZE)
    answers = simulated(figures, 75, 2.0, 150)
    shuffled = Answers(answers.right, draw.permuted(answers.figures, axis=1))
    informed, misled = (stopped(one, known_of(figures, 0.8), 95, LEVELS) for one in (answers, shuffled))
    assert np.mean(informed.word == 1) <= 0.05 and np.mean(misled.word == 1) <= 0.05
    assert informed.used.mean() < misled.used.mean()


def test_where_difficulty_explains_much_fewer_samples_are_needed_than_by_exact_boundaries():
    figures = np.linspace(0.02, 0.98, 400)
    answers = simulated(figures, 200, 2.0, 80)
    rule = items_rule(240, 400, 400, 0.05, 0.05)
    counts, n = np.cumsum(answers.right, axis=1), np.arange(1, 401)
    ended = (counts <= np.array(rule.refuting.most)[1:]) | (n - counts <= np.array(rule.supporting.most)[1:])
    exact = np.where(ended.any(axis=1), ended.argmax(axis=1) + 1, 400)
    assert stopped(answers, known_of(figures, 1.0), 240, LEVELS).used.mean() < 0.75 * exact.mean()


def test_simulated_models_have_the_score_and_prefer_easy_items():
    answers = simulated([0.1] * 50 + [0.9] * 50, 60, 1.0, 40)
    assert np.all(answers.right.sum(axis=1) == 60)
    easy = answers.right[answers.figures > 0.5].mean()
    assert easy > 0.85 and np.array_equal(answers.right, simulated([0.1] * 50 + [0.9] * 50, 60, 1.0, 40).right)


def test_one_sequence_and_many_rows_stop_alike():
    figures = np.linspace(0.1, 0.9, 60)
    answers = simulated(figures, 25, 1.0, 12)
    known = known_of(figures, 0.8)
    many = stopped(answers, known, 36, LEVELS)
    for row in range(12):
        test = CountTest(known, 36)
        for n in range(60):
            test.feed(answers.right[row, n], answers.figures[row, n])
            if max(test.log_against, test.log_for) >= -math.log(0.05):
                break
        assert (n + 1, -1 if test.log_against > test.log_for else 1) == (many.used[row], many.word[row])


@pytest.mark.parametrize(
    ("kind", "runs"),
    [
        ("inverted", 4),
        ("unrelated", 4),
        *(pytest.param(kind, 40, marks=pytest.mark.slow) for kind in ("right", "unrelated")),
    ],
)
def test_the_interval_covers_at_every_stop_and_agrees_with_the_test(kind: str, runs: int):
    draw, size, right, needed = np.random.default_rng(6), 50, 20, 28
    truth = (np.arange(size) < right).astype(float)
    figures = figures_of(kind, truth)
    known, missed = known_of(figures, 0.8), 0
    for _ in range(runs):
        order = draw.permutation(size)
        x, d = truth[order], figures[order]
        test, crossed, covered = CountTest(known, needed), "", True
        for n in range(1, size + 1):
            test.feed(x[n - 1], d[n - 1])
            if not crossed:
                crossed = "low" if test.log_against >= -math.log(0.05) else ""
                crossed = crossed or ("high" if test.log_for >= -math.log(0.05) else "")
            if n % 12 and n != size:
                continue
            low, high = items_interval(known, Drawn(tuple(x[:n]), tuple(d[:n])), LEVELS, needed)
            covered = covered and low - 1e-9 <= right / size <= high + 1e-9
            where = "low" if high < (needed - 0.5) / size else "high" if low > (needed - 0.5) / size else ""
            assert where == crossed
        missed += not covered
    assert clopper_pearson_lower(missed, runs, 0.95) <= 1 - LEVELS.confidence


def test_a_threshold_that_the_size_alone_answers_is_refused():
    known = known_of([0.2, 0.8], 0.8)
    for needed in (0, 3):
        with pytest.raises(ValueError, match="no threshold"):
            CountTest(known, needed)
    with pytest.raises(ValueError, match="finite figure"):
        known_of([0.1, math.nan], 0.8)


def test_answers_that_are_not_known_count_for_neither_side():
    """The hard ones all lack a score: left out, their figures would make each other item look easy by chance."""
    unknown, right = np.arange(SIZE) < 30, (np.arange(SIZE) >= 30) & (np.arange(SIZE) < 65)
    figures = np.where(unknown, 0.0, 1.0)
    refuted = supported = missed = 0
    for seed in range(15):
        order = np.random.default_rng(seed).permutation(SIZE)
        true, false = CountTest(known_of(figures, 0.8), 50), CountTest(known_of(figures, 0.8), 66)
        lowest, highest = 0.0, 0.0
        for item in order:
            answer = None if unknown[item] else float(right[item])
            true.feed(answer, figures[item])
            false.feed(answer, figures[item])
            lowest, highest = max(lowest, true.log_against), max(highest, false.log_for)
        refuted += lowest >= math.log(20)
        supported += highest >= math.log(20)
        drawn = Drawn(tuple(None if unknown[i] else float(right[i]) for i in order), tuple(figures[order]))
        low, high = items_interval(known_of(figures, 0.8), drawn, LEVELS, 50)
        missed += low > 0.35 or high < 0.65
    assert (refuted, supported) == (0, 0)
    # At most 1.5 are expected: 5 % at each end
    assert missed <= 5
