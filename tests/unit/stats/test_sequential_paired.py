"""Two models compared while answers come in: how often the test errs, how soon it ends, what it never concludes."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest
from scipy.special import betainc, betaln
from scipy.stats import binom

from harness.stats.relations import Gap
from harness.stats.sequential import log_mixture
from harness.stats.sequential_paired import AtMost, OneSided, PairedTest
from harness.stats.two_model_power import Discordance, mcnemar_size

ABOVE = Gap()
PAIR = {1: (1, 0), 0: (1, 1), -1: (0, 1)}


def fed(gap: Gap, differences: list[int], size: int | None = None, strict: bool = False) -> PairedTest:
    test = PairedTest(gap, size, strict=strict)
    for one in differences:
        test.feed(*PAIR[one])
    return test


def drawn(win: float, loss: float, n: int, draw: random.Random) -> list[int]:
    return draw.choices((1, -1, 0), (win, loss, 1 - win - loss), k=n)


def first_word(test: PairedTest, differences: list[int], alpha: float) -> tuple[str, int]:
    """Peek after every sample and stop at the first decision."""
    for place, one in enumerate(differences, 1):
        test.feed(*PAIR[one])
        found = test.test
        if found.p_against <= alpha:
            return "refuted", place
        if found.p_for <= alpha:
            return "supported", place
    return "open", len(differences)


@pytest.mark.parametrize("bound", [-0.3, 0.0, 0.05, 0.4])
def test_the_capital_has_mean_one_at_the_bound_after_every_number_of_samples(bound: float):
    """All 3^5 sequences with their probabilities: E[e] = 1 where the mean is the bound, below 1 where it is less."""
    for mean, largest in ((bound, 1 + 1e-9), (bound - 0.2, 1.0)):
        win = max(0.0, mean) + 0.15
        chances = {1: win, -1: win - mean, 0: 1 - 2 * win + mean}
        for n in (1, 3, 5):
            total = 0.0
            for sequence in itertools.product(chances, repeat=n):
                process = AtMost(bound)
                for one in sequence:
                    process.feed(one)
                total += math.exp(process.log_e) * math.prod(chances[one] for one in sequence)
            assert total <= largest
            assert mean != bound or total == pytest.approx(1)


def test_without_replacement_the_capital_has_mean_at_most_one():
    """All orders of six items, for every composition with the bound as its mean or less."""
    size = 6
    for bound_total in (-2, 0, 1, 3):
        for wins in range(size + 1):
            for losses in range(size + 1 - wins):
                if wins - losses > bound_total:
                    continue
                items = [1] * wins + [-1] * losses + [0] * (size - wins - losses)
                orders = set(itertools.permutations(items))
                for n in (2, 4, 6):
                    total = 0.0
                    for order in orders:
                        process = AtMost(bound_total / size, size)
                        for one in order[:n]:
                            process.feed(one)
                        total += math.exp(process.log_e)
                    assert total / len(orders) <= 1 + 1e-9


def test_the_grid_of_bets_agrees_with_the_exact_mixture_of_wins_and_losses():
    """At a bound of almost 0 both bet that a win is likelier than a loss, the grid on ties too."""
    process = AtMost(1e-9)
    for one in [1] * 30 + [-1] * 12:
        process.feed(one)
    assert process.log_e == pytest.approx(log_mixture(12, 30, 0.5), abs=0.01)


def test_ties_alone_and_equal_numbers_of_wins_and_losses_settle_nothing_without_a_margin():
    assert fed(ABOVE, [0] * 500).test.p_for == fed(ABOVE, [0] * 500).test.p_against == 1
    even = fed(ABOVE, [1, -1] * 300).test
    assert min(even.p_for, even.p_against) > 0.3


def test_ties_alone_show_that_two_models_are_within_a_margin():
    assert fed(Gap(margin=0.05, within=True), [0] * 200).test.p_for < 0.05
    assert fed(Gap(shift=-0.05), [0] * 200).test.p_for < 0.05
    assert fed(Gap(shift=0.05), [0] * 200).test.p_against < 0.05


def test_all_wins_are_settled_within_ten():
    assert first_word(PairedTest(ABOVE), [1] * 20, 0.05) == ("supported", 7)
    assert first_word(PairedTest(Gap(upward=False)), [1] * 20, 0.05) == ("refuted", 7)


@pytest.mark.parametrize(
    ("gap", "win", "loss", "wrong"),
    [
        (ABOVE, 0.2, 0.2, "supported"),
        (ABOVE, 0.2, 0.2, "refuted"),
        (Gap(shift=-0.05), 0.10, 0.15, "supported"),
        (Gap(shift=-0.05), 0.10, 0.15, "refuted"),
        (Gap(upward=False, shift=0.1), 0.3, 0.2, "supported"),
        (Gap(margin=0.05, within=True), 0.05, 0.10, "supported"),
        (Gap(margin=0.05, within=True), 0.10, 0.05, "refuted"),
    ],
)
def test_peeking_at_every_sample_errs_no_more_often_than_alpha(gap: Gap, win: float, loss: float, wrong: str):
    """The true difference is at the edge, where erring is likeliest. Five in a hundred and three standard errors."""
    draw = random.Random(11)
    words = [first_word(PairedTest(gap), drawn(win, loss, 120, draw), 0.05)[0] for _ in range(60)]
    assert words.count(wrong) / len(words) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(words))


WALKS, STEPS = 4000, 150


def log_e_paths(walks: np.ndarray, bound: float, size: int | None = None) -> np.ndarray:
    """The ln of the e-value of each walk (a row) after every step: `AtMost` for many walks at once."""
    wins, losses = np.cumsum(walks == 1, axis=1), np.cumsum(walks == -1, axis=1)
    if size is None and bound == 0:
        # A uniform mixture of binomials with a probability of more than a half, against a fair coin
        share = np.log(betainc(losses + 1, wins + 1, 0.5))
        return share + betaln(losses + 1, wins + 1) + (wins + losses + 1) * math.log(2)
    rates = (np.arange(100) + 0.5) / 100
    capital, paths = np.zeros((len(walks), 100)), np.empty(walks.shape)
    for step in range(walks.shape[1]):
        bounds = np.full(len(walks), bound)
        if size is not None and step:
            bounds = (size * bound - (wins - losses)[:, step - 1]) / (size - step)
        open_ = (bounds > -1 + 1e-9) & (bounds < 1)
        odds = np.where(open_, (walks[:, step] - bounds) / np.where(open_, 1 + bounds, 1), 0)
        capital += np.log1p(rates * odds[:, None])
        impossible = (bounds <= -1 + 1e-9) & (walks[:, step] > bounds)
        capital[impossible] = np.inf
        top = capital.max(axis=1)
        with np.errstate(invalid="ignore"):
            paths[:, step] = np.where(top == np.inf, np.inf, top + np.log(np.exp(capital - top[:, None]).mean(axis=1)))
    return paths


def share_that_errs(paths: np.ndarray, alpha: float = 0.05) -> float:
    """The share of walks that are decided at some step, when every step is looked at."""
    return float((paths.max(axis=1) >= math.log(1 / alpha)).mean())


# Three standard errors of the share
MOST_ERRORS = 0.05 + 3 * math.sqrt(0.05 * 0.95 / WALKS)


@pytest.mark.parametrize(
    ("bound", "win", "loss"), [(0.0, 0.2, 0.2), (-0.05, 0.10, 0.15), (0.1, 0.3, 0.2), (0.05, 0.10, 0.05)]
)
def test_of_thousands_of_walks_at_the_edge_no_more_than_alpha_are_ever_decided(bound: float, win: float, loss: float):
    walks = np.random.default_rng(17).choice((1, -1, 0), (WALKS, STEPS), p=(win, loss, 1 - win - loss))
    paths = log_e_paths(walks, bound)
    for walk, path in zip(walks[:3], paths[:3], strict=True):
        process = AtMost(bound)
        for step, one in enumerate(walk):
            process.feed(int(one))
            assert process.log_e == pytest.approx(path[step], abs=1e-9)
    assert share_that_errs(paths) <= MOST_ERRORS


def test_of_thousands_of_orders_of_the_same_items_no_more_than_alpha_are_ever_decided():
    items = np.array([1] * 20 + [-1] * 20 + [0] * 60)
    walks = np.random.default_rng(23).permuted(np.tile(items, (WALKS, 1)), axis=1)
    paths = log_e_paths(walks, 0.0, 100)
    for walk, path in zip(walks[:3], paths[:3], strict=True):
        process = AtMost(0.0, 100)
        for step, one in enumerate(walk):
            process.feed(int(one))
            assert process.log_e == pytest.approx(path[step], abs=1e-9)
    assert share_that_errs(paths) <= MOST_ERRORS


def test_these_walks_would_show_a_test_that_may_not_be_looked_at_after_every_sample():
    """McNemar's exact test, looked at after every sample, errs far more often: the bound above is no formality."""
    walks = np.random.default_rng(17).choice((1, -1, 0), (WALKS, STEPS), p=(0.2, 0.2, 0.6))
    wins, losses = np.cumsum(walks == 1, axis=1), np.cumsum(walks == -1, axis=1)
    p = binom.sf(wins - 1, wins + losses, 0.5)
    assert (p.min(axis=1) <= 0.05).mean() > 2 * MOST_ERRORS


@pytest.mark.parametrize(("total", "wrong"), [(0, "supported"), (1, "refuted")])
def test_about_exactly_these_items_it_errs_no_more_often_than_alpha(total: int, wrong: str):
    """100 items of which one more, or none more, is won than lost; "above" is settled for certain at the end."""
    draw = random.Random(5)
    items = [1] * (20 + total) + [-1] * 20 + [0] * (60 - total)
    words = []
    for _ in range(120):
        draw.shuffle(items)
        words.append(first_word(PairedTest(ABOVE, 100, strict=True), items, 0.05)[0])
    assert "open" not in words
    assert words.count(wrong) / len(words) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(words))


def test_certainty_ends_it_and_is_right():
    items = [1] * 6 + [-1] * 4
    assert fed(ABOVE, items[:6], 10, strict=True).certain == "supported"
    assert fed(ABOVE, [-1] * 5, 10, strict=True).certain == "refuted"
    assert fed(ABOVE, [-1] * 5, 10).certain == ""
    assert fed(Gap(margin=0.2, within=True), [0] * 8, 10).certain == "supported"


def test_power_is_near_that_of_a_test_with_a_fixed_number():
    """Wins 20 %, losses 8 %, against McNemar's one-sided exact test with a power of 80 %."""
    fixed = mcnemar_size(Discordance(0.2, 0.08), two_sided=False)
    assert fixed is not None
    draw = random.Random(3)
    used = [first_word(PairedTest(ABOVE), drawn(0.2, 0.08, 600, draw), 0.05) for _ in range(60)]
    assert [word for word, _ in used].count("supported") >= 57
    assert np.mean([n for _, n in used]) < 1.6 * fixed


def test_the_interval_holds_the_truth_at_all_times():
    draw = random.Random(9)
    missed = 0
    for _ in range(40):
        differences = drawn(0.3, 0.1, 80, draw)
        bounds = [fed(ABOVE, differences[:n]).interval() for n in (10, 40, 80)]
        missed += not all(low <= 0.2 <= high for low, high in bounds)
        assert bounds[0][1] - bounds[0][0] > bounds[2][1] - bounds[2][0]
    assert missed <= 5
    low, high = fed(ABOVE, [1, 0, -1, 1], 4).interval()
    assert low == pytest.approx(0.25) and high == pytest.approx(0.25)


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(ValueError, match="ratio"):
        PairedTest(Gap(times=2.0))
    with pytest.raises(ValueError, match="0 or 1"):
        PairedTest(ABOVE).feed(0.5, 1)
    with pytest.raises(ValueError, match="within -1 and 1"):
        OneSided(1.0)
    done = fed(ABOVE, [0, 0], 2)
    with pytest.raises(ValueError, match="fed already"):
        done.feed(1, 1)
