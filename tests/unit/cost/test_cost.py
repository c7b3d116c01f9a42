"""Prices, savings and costs against published figures and sums done by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from harness.cost.prices import Price
from harness.cost.run_cost import dollars_per_million, hourly_cost, task_cost, together, usages
from harness.cost.savings import BLENDS, Blend, cells, settle
from harness.datatypes import (
    Completion,
    ContinuationScore,
    Failure,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Record,
    Refusal,
    RollingRequest,
    Sampling,
    Score,
    TextPrompt,
)
from harness.stats.intervals import wilson

GPT_4O = Price("gpt-4o-2024-08-06", 2.50, 10.00, 1.25)
OTHERS = [
    GPT_4O,
    Price("claude-3-5-sonnet", 3.00, 15.00, 0.30),
    Price("gpt-5.4", 2.50, 15.00, 0.25),
    Price("claude-opus-4.6", 5.00, 25.00, 0.50),
    Price("gpt-5.5", 5.00, 30.00, 0.50),
]
PRO = Price("deepseek-v4-pro", 1.74, 3.48, 0.145)
NONE = TextPrompt("")


@pytest.mark.parametrize(
    ("price", "blended"),
    [(OTHERS[0], 4.375), (OTHERS[1], 6.0), (OTHERS[2], 5.625), (OTHERS[3], 10.0), (OTHERS[4], 11.25), (PRO, 2.175)],
)
def test_a_blend_is_the_published_one(price: Price, blended: float) -> None:
    assert Blend(3, 1).of(price) == Fraction(str(blended))


@pytest.mark.parametrize(
    ("subject", "savings"),
    [
        (PRO, (50.3, 63.7, 61.3, 78.2, 80.7)),
        (Price("deepseek-v4-flash", 0.14, 0.28), (96.0, 97.1, 96.9, 98.2, 98.4)),
        (Price("deepseek-v4-pro in May", 0.435, 0.87), (87.6, 90.9, 90.3, 94.6, 95.2)),
        (Price("deepseek-v4-pro-0813 at peak", 1.32, 3.96), (54.7, 67.0, 64.8, 80.2, 82.4)),
    ],
)
def test_savings_at_three_to_one_are_the_published_ones(subject: Price, savings: Sequence[float]) -> None:
    found = [float(100 * cell.saving) for cell in cells([subject], OTHERS, [Blend(3, 1)])]
    # One of them is a tie, 63.75, which the table cuts
    assert all(abs(one - told) <= 0.0501 for one, told in zip(found, savings, strict=True)), found


def test_input_alone_and_output_alone_save_otherwise() -> None:
    found = cells([PRO], [GPT_4O], [Blend(1, 0), Blend(0, 1)])
    assert [round(float(100 * cell.saving), 1) for cell in found] == [30.4, 65.2]


def test_just_sixty_per_cent_is_sixty_per_cent() -> None:
    # 1 - 0.1 / 0.25 is 0.6 on paper and 0.6000000000000001 or less in binary
    for subject, comparator in ((0.1, 0.25), (0.28, 0.7), (1.12, 2.8)):
        (cell,) = cells([Price("a", subject, subject)], [Price("b", comparator, comparator)], [Blend(3, 1)])
        assert cell.saving == Fraction(3, 5) and cell.cheaper_by(Fraction("0.6"))
        assert not cell.cheaper_by(Fraction("0.6000001"))


def test_a_claim_of_sixty_per_cent_depends() -> None:
    threshold = Fraction("0.6")
    assert settle(cells([PRO], [GPT_4O], BLENDS), threshold) == "refuted"
    assert settle(cells([PRO], OTHERS[:2], BLENDS), threshold) == "depends"
    assert settle(cells([Price("flash", 0.14, 0.28)], OTHERS, BLENDS), threshold) == "supported"
    assert settle([], threshold) == "no cells"


def test_prices_that_never_met_are_not_compared() -> None:
    old = Price("old", 1, 1, until=date(2025, 11, 17))
    new = Price("new", 2, 2, since=date(2026, 3, 1))
    assert not cells([old], [new])
    assert cells([old], [Price("older", 2, 2, since=date(2025, 11, 16))])
    assert not cells([old], [Price("next", 2, 2, since=date(2025, 11, 17))]), "the day it ends is another's"
    peak, off = (Price("x", 1, 1, hours=hours) for hours in ("peak", "off_peak"))
    assert not cells([peak], [off]) and cells([peak], [new]) and cells([peak], [peak])
    assert old.in_force(date(2025, 11, 16)) and not old.in_force(date(2025, 11, 17))


@pytest.mark.parametrize("blend", [(0, 0), (-1, 2)])
def test_a_blend_of_nothing_is_refused(blend: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="a blend is two numbers"):
        Blend(*blend)


def answer(sample: str, value: float | None, repeat: int = 0, **reply: Any) -> Record:
    key = f"{sample}-{repeat}"
    request = GenerateRequest(key, "sums", sample, repeat, NONE, Sampling(8))
    failure = Failure("score", "died", "", ours=True) if value is None else None
    return Record(1, "run", request, Completion(key, "", "eos", **reply), (Score("exact", value, failure=failure),))


def test_dollars_are_tokens_times_prices() -> None:
    (usage,) = usages(
        [
            answer("a", 1.0, prompt_tokens=1000, cached_tokens=800, output_tokens=500, seconds=2.0),
            answer("b", 0.0, prompt_tokens=1000, cached_tokens=0, output_tokens=1500, seconds=6.0),
        ]
    )
    assert (usage.mean("fresh"), usage.mean("cached"), usage.mean("output")) == (600, 400, 1000)
    assert (usage.tokens_per_second, usage.seconds, usage.solved) == (250, 8.0, 1)
    # 1200 fresh, 800 cached, 2000 written
    cost = task_cost(usage, GPT_4O)
    assert cost.total == pytest.approx((1200 * 2.5 + 800 * 1.25 + 2000 * 10) / 1e6, rel=1e-12)
    assert cost.per_solved == pytest.approx(cost.total, rel=1e-12)
    full = task_cost(usage, Price("no cache", 2.5, 10))
    assert full.total == pytest.approx((2000 * 2.5 + 2000 * 10) / 1e6, rel=1e-12), "cached tokens at full price"
    assert hourly_cost(usage, 1.8).total == pytest.approx(8 / 3600 * 1.8, rel=1e-12)
    assert dollars_per_million(1.8, 250) == pytest.approx(2.0, rel=1e-12)


def test_twice_the_words_for_as_many_solved_costs_twice_as_much() -> None:
    brief, long = (
        usages([answer(str(i), i % 2, prompt_tokens=0, output_tokens=words, seconds=1.0) for i in range(40)])[0]
        for words in (100, 200)
    )
    costs = [task_cost(usage, GPT_4O).per_solved for usage in (brief, long)]
    assert costs == pytest.approx([0.002, 0.004], rel=1e-12)


def test_the_interval_of_dollars_per_solved_covers() -> None:
    """Of 600 runs of 80 problems, solved by one in two at a cost that varies, some 95 % hold the true cost."""
    import random

    rng = random.Random(5)
    truth, held = 1000 * 10 / 1e6 / 0.5, 0
    for _ in range(600):
        records = [
            answer(str(i), float(rng.random() < 0.5), prompt_tokens=0, output_tokens=rng.randint(500, 1500))
            for i in range(80)
        ]
        cost = task_cost(usages(records)[0], GPT_4O)
        assert cost.low is not None and cost.high is not None
        held += cost.low <= truth <= cost.high
    assert 0.92 <= held / 600 <= 0.98


def alike(solved: int, n: int, tokens: int = 100) -> Any:
    """Answers of which so many are solved, each with as many tokens."""
    return usages([answer(str(i), float(i < solved), prompt_tokens=0, output_tokens=tokens) for i in range(n)])[0]


@pytest.mark.parametrize(("solved", "n"), [(6, 80), (1, 80), (40, 80), (79, 80), (80, 80), (3, 5)])
def test_equal_costs_give_the_scores_own_interval_turned_over(solved: int, n: int) -> None:
    """6 of 80 is a score of [.035, .154], so a solved problem costs 6.5 to 28.6 answers; never less than one."""
    cost, (low, high) = task_cost(alike(solved, n), GPT_4O), wilson(solved / n, n)
    one = 100 * 10 / 1e6
    assert cost.per_solved == pytest.approx(one * n / solved)
    assert (cost.low, cost.high) == pytest.approx((one / high, one / low))
    assert cost.low is not None and cost.low >= one * (1 - 1e-12)


def test_none_solved_has_a_least_cost_and_no_largest() -> None:
    cost = task_cost(alike(0, 80), GPT_4O)
    assert cost.per_solved is None and cost.high == math.inf
    assert cost.low == pytest.approx(100 * 10 / 1e6 / wilson(0.0, 80)[1])
    assert task_cost(alike(1, 1), GPT_4O).low is None


def test_repeats_and_groups_widen_the_interval_as_they_do_the_score() -> None:
    records = [answer(str(i // 4), float(i % 8 < 4), prompt_tokens=0, output_tokens=100) for i in range(160)]
    repeated, alone = task_cost(usages(records)[0], GPT_4O), task_cost(alike(80, 160), GPT_4O)
    assert repeated.high is not None and alone.high is not None and repeated.high > 1.2 * alone.high
    grouped = [replace(record, group=record.request.sample_id) for record in records]
    assert task_cost(usages(grouped)[0], GPT_4O) == repeated


def test_a_small_share_keeps_its_coverage() -> None:
    """At 8 % solved of 80 the symmetric interval, which may reach below a cost of 0, misses the truth too often."""
    rng, held = random.Random(9), 0
    truth = 1000 * 10 / 1e6 / 0.08
    for _ in range(400):
        records = [
            answer(str(i), float(rng.random() < 0.08), prompt_tokens=0, output_tokens=rng.randint(500, 1500))
            for i in range(80)
        ]
        cost = task_cost(usages(records)[0], GPT_4O)
        assert cost.low is not None and cost.high is not None and cost.low > 0
        held += cost.low <= truth <= cost.high
    assert 0.92 <= held / 400 <= 0.99


def test_what_nobody_counted_has_no_cost() -> None:
    (uncounted,) = usages([answer("a", 1.0, prompt_tokens=10, output_tokens=5), answer("b", 1.0)])
    assert not uncounted.counted and uncounted.mean("output") is None
    assert task_cost(uncounted, GPT_4O).total is None and hourly_cost(uncounted, 1.0).total is None
    (none_solved,) = usages([answer("a", 0.0, prompt_tokens=10, output_tokens=5)])
    assert task_cost(none_solved, GPT_4O).total and task_cost(none_solved, GPT_4O).per_solved is None
    (unscored,) = usages([answer("a", None, prompt_tokens=10, output_tokens=5)])
    assert unscored.solved is None and task_cost(unscored, GPT_4O).total


def test_a_pace_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="throughput must be above 0"):
        dollars_per_million(1.0, 0.0)


def test_likelihoods_are_read_and_refusals_are_counted_apart() -> None:
    scores = (ContinuationScore(-1.0, 3, 3, 3, True),)
    choice = Record(
        1,
        "run",
        LikelihoodRequest("c", "choice", "c", 0, NONE, ("a",)),
        Likelihood("c", scores, prompt_tokens=30, cached_tokens=40),
        (Score("choice", 1.0),),
    )
    text = Record(
        1,
        "run",
        RollingRequest("t", "text", "t", 0, NONE, "abc"),
        Likelihood("t", scores, prompt_tokens=3),
        (Score("text", 4.0),),
    )
    refused = Record(
        1,
        "run",
        GenerateRequest("r", "choice", "r", 0, NONE, Sampling(8)),
        Refusal("r", Failure("engine", "context_overflow", "", ours=False)),
        (),
    )
    of_choice, of_text = usages([choice, refused, text])
    assert (of_choice.refused, of_choice.solved, of_text.solved) == (1, 1, None)
    assert (of_choice.mean("fresh"), of_choice.mean("cached"), of_choice.mean("output")) == (0, 30, 0)
    both = together("both", [of_choice, of_text])
    assert (len(both.answers), both.refused, both.solved) == (2, 1, 1)
    assert both.tokens_per_second is None
