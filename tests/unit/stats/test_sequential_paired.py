"""Two models compared while answers come in: how often the test errs, how soon it ends, what it never concludes."""

from __future__ import annotations

import itertools
import math
import random

import numpy as np
import pytest

from harness.stats.relations import Gap
from harness.stats.sequential_paired import PairedTest, Pairs, pair_levels

ABOVE = Gap()
PAIR = {1: ([1], [0]), 0: ([1], [1]), -1: ([0], [1])}


def a_test(gap: Gap = ABOVE, size: int = 600, strict: bool = False, **kind: bool) -> PairedTest:
    pairs = Pairs(size, **kind)
    return PairedTest(gap, pairs, pair_levels(gap, pairs, [0.05]), strict=strict)


def fed(test: PairedTest, differences: list[int]) -> PairedTest:
    for one in differences:
        test.feed(*PAIR[one])
    return test


def drawn(win: float, loss: float, n: int, draw: random.Random) -> list[int]:
    return draw.choices((1, -1, 0), (win, loss, 1 - win - loss), k=n)


def first_word(test: PairedTest, differences: list[int], alpha: float = 0.05) -> tuple[str, int]:
    """Peek after every sample and stop at the first decision."""
    for place, one in enumerate(differences, 1):
        test.feed(*PAIR[one])
        if place == len(differences):
            test.finish()
        found = test.test
        if found.p_against <= alpha:
            return "refuted", place
        if found.p_for <= alpha:
            return "supported", place
    return "open", len(differences)


def test_ties_alone_and_equal_numbers_of_wins_and_losses_settle_nothing_without_a_margin():
    assert fed(a_test(), [0] * 500).test.p_for == fed(a_test(), [0] * 500).test.p_against == 1
    even = fed(a_test(), [1, -1] * 300)
    even.finish()
    assert min(even.test.p_for, even.test.p_against) > 0.3


def test_ties_alone_show_that_two_models_are_within_a_margin():
    assert fed(a_test(Gap(margin=0.05, within=True)), [0] * 200).test.p_for < 0.05
    assert fed(a_test(Gap(shift=-0.05)), [0] * 200).test.p_for < 0.05
    assert fed(a_test(Gap(shift=0.05)), [0] * 200).test.p_against < 0.05


def test_all_wins_are_settled_within_ten():
    assert first_word(a_test(), [1] * 20) == ("supported", 7)
    assert first_word(a_test(Gap(upward=False)), [1] * 20) == ("refuted", 7)


@pytest.mark.parametrize(
    ("gap", "win", "loss", "wrong"),
    [
        (Gap(shift=-0.05), 0.10, 0.15, "supported"),
        (Gap(shift=-0.05), 0.10, 0.15, "refuted"),
        (Gap(upward=False, shift=0.1), 0.3, 0.2, "supported"),
        (Gap(margin=0.05, within=True), 0.05, 0.10, "supported"),
        (Gap(margin=0.05, within=True), 0.10, 0.05, "refuted"),
    ],
)
def test_with_a_margin_peeking_at_every_sample_errs_no_more_often_than_alpha(
    gap: Gap, win: float, loss: float, wrong: str
):
    """The true difference is at the edge, where erring is likeliest. Five in a hundred and three standard errors."""
    draw = random.Random(11)
    words = [first_word(a_test(gap), drawn(win, loss, 120, draw))[0] for _ in range(60)]
    assert words.count(wrong) / len(words) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(words))


@pytest.mark.parametrize(("total", "wrong"), [(0, "supported"), (1, "refuted")])
@pytest.mark.parametrize("shift", [0.0, 0.05])
def test_about_exactly_these_items_it_errs_no_more_often_than_alpha(total: int, wrong: str, shift: float):
    """100 items of which as many are won than lost as the statement forbids, or just allows; the end is certain."""
    draw = random.Random(5)
    lead = total + round(100 * shift)
    items = [1] * (20 + lead) + [-1] * 20 + [0] * (60 - lead)
    gap = Gap(shift=shift)
    pairs = Pairs(100, of_items=True)
    words = []
    for _ in range(60):
        draw.shuffle(items)
        words.append(first_word(PairedTest(gap, pairs, None, strict=True), items)[0])
    assert "open" not in words
    assert words.count(wrong) / len(words) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / len(words))


def test_certainty_ends_it_and_is_right():
    items = [1] * 6 + [-1] * 4
    assert fed(a_test(size=10, of_items=True, strict=True), items[:6]).certain == "supported"
    assert fed(a_test(size=10, of_items=True, strict=True), [-1] * 5).certain == "refuted"
    assert fed(a_test(size=10, of_items=True), [-1] * 5).certain == ""
    assert fed(a_test(Gap(margin=0.2, within=True), 10, of_items=True), [0] * 8).certain == "supported"


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("upward", [True, False])
def test_at_the_end_of_all_items_the_word_is_right_for_each_set_of_items(strict: bool, upward: bool):
    """All wins and losses of six items: what was settled for certain says what the items say."""
    gap = Gap(upward=upward)
    for wins, losses in itertools.product(range(7), repeat=2):
        if wins + losses > 6:
            continue
        lead = (wins - losses) * (1 if upward else -1)
        items = [1] * wins + [-1] * losses + [0] * (6 - wins - losses)
        holds = lead > 0 if strict else lead >= 0
        assert fed(a_test(gap, 6, of_items=True, strict=strict), items).certain == ("supported" if holds else "refuted")


def test_graded_differences_of_a_cluster_count_as_one_unit():
    """Ten equal copies of one sample are one cluster: the evidence is that of ten units, not of a hundred samples."""
    pairs = Pairs(200, graded=True, largest=10)
    clustered = PairedTest(ABOVE, pairs, None)
    alone = PairedTest(ABOVE, Pairs(200, graded=True), None)
    for _ in range(10):
        clustered.feed([0.75] * 10, [0.5] * 10)
        alone.feed([0.75], [0.5])
    assert clustered.n == 100 and clustered.difference == pytest.approx(0.25)
    assert clustered.log_for == pytest.approx(alone.log_for)
    assert clustered.interval() == pytest.approx(alone.interval())


@pytest.mark.slow
def test_with_a_margin_thousands_of_walks_at_the_edge_are_decided_no_more_often_than_alpha():
    """Clusters of 1 to 4 graded differences that all move together, at a mean of exactly the margin."""
    draw = np.random.default_rng(4)
    wrong, trials = 0, 600
    for _ in range(trials):
        test = PairedTest(Gap(shift=0.1), Pairs(400, graded=True, largest=4), None)
        sizes = draw.integers(1, 5, 100)
        # Larger clusters are better, and the mean over samples is 0.1 all the same
        means = 0.1 + 0.06 * (sizes - (sizes**2).mean() / sizes.mean())
        means += 0.1 - float((means * sizes).sum() / sizes.sum())
        for size, mean in zip(sizes, means, strict=True):
            one = 1.0 if draw.random() < mean + 0.5 else 0.0
            test.feed([one] * int(size), [0.5] * int(size))
            if test.test.p_for <= 0.05:
                wrong += 1
                break
    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_the_interval_holds_the_truth_at_all_times():
    draw = random.Random(9)
    missed = 0
    for _ in range(20):
        differences = drawn(0.3, 0.1, 80, draw)
        bounds = [fed(a_test(Gap(shift=0.01)), differences[:n]).interval() for n in (10, 40, 80)]
        missed += not all(low <= 0.2 <= high for low, high in bounds)
        assert bounds[0][1] - bounds[0][0] > bounds[2][1] - bounds[2][0]
    assert missed <= 5
    low, high = fed(a_test(size=4, of_items=True), [1, 0, -1, 1]).interval()
    assert low == pytest.approx(0.25) and high == pytest.approx(0.25)


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(ValueError, match="ratio"):
        PairedTest(Gap(times=2.0), Pairs(10), None)
    with pytest.raises(ValueError, match="0 or 1"):
        a_test().feed([0.5], [1])
    with pytest.raises(ValueError, match="0 to 1"):
        a_test(graded=True).feed([1.5], [1])
    with pytest.raises(ValueError, match="within -1 and 1"):
        a_test(Gap(shift=1.0))
    done = fed(a_test(size=2, of_items=True), [0, 0])
    with pytest.raises(ValueError, match="fed already"):
        done.feed([1], [1])
