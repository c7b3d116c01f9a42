"""How evidence becomes a verdict: tests against oracles, the order of verdicts, and what may not decide."""

from __future__ import annotations

import random
import re
import statistics
from typing import Any

import pytest
from pydantic import ValidationError
from scipy import stats

from harness.claims import judge
from harness.claims.facts import Fact, judge_facts, judge_prices
from harness.claims.page import Claim, printed_unit
from harness.claims.planned_gaps import gap_plans
from harness.claims.planned_scores import score_plans
from harness.claims.published import bar_of, gap_of, of_published
from harness.claims.sequential_test import SequentialTest
from harness.claims.verdict import combine
from harness.cost.prices import Price
from harness.cost.savings import cells
from harness.stats.hypothesis import HypothesisTest as OneTest
from harness.stats.power import refutation_size
from harness.stats.relations import Gap, newcombe, paired_test, unpaired_test
from harness.stats.thresholds import Bar, count_test, mean_test

SAID = {"shots": 0, "prompt": "chat"}


def a_claim(**changes: Any) -> Claim:
    """A sentence about one model's score on HumanEval, with keys replaced."""
    page: dict[str, Any] = {
        "id": "nearly-90",
        "quote": "nearly 90 % on HumanEval",
        "reading": "at least 85 %",
        "source": {"url": "https://example.org", "kind": "press"},
        "subject": {"model": "big-model", "also": ["big-model-pro"]},
        "test": {"metric": "pass@1", "tasks": ["humaneval"]},
        "relation": ">=",
        "threshold": 0.9,
        "tolerance": 0.05,
        "protocol": SAID,
    }
    return Claim.model_validate(page | changes)


def printed(value: float, **changes: Any) -> dict[str, Any]:
    """A published number on HumanEval."""
    row = {"model": "big-model", "task": "humaneval", "value": value, "n": 164, "who": "lab", "source": "its report"}
    return row | {"protocol": SAID} | changes


def word_of(claim: Claim) -> str:
    found = of_published(claim)
    return judge.rule(claim, found.evidence, found.missing).word


# --- one score against a number -------------------------------------------------------------------


def test_a_count_is_compared_with_the_bar_by_the_exact_binomial():
    assert count_test(126, 164, Bar(0.9)).test.p_against == pytest.approx(7.0e-7, rel=0.02)
    assert count_test(140, 164, Bar(0.9)).test.p_against == pytest.approx(0.0376, abs=5e-5)
    assert count_test(131, 164, Bar(0.85)).test.p_against == pytest.approx(0.0460, abs=5e-5)
    seen = count_test(148, 164, Bar(0.85))
    assert seen.test.p_for == pytest.approx(stats.binomtest(148, 164, 0.85, alternative="greater").pvalue)
    assert (seen.low, seen.high) == pytest.approx((0.8464, 0.9432), abs=5e-5)


def test_at_most_is_at_least_of_the_wrong_answers():
    low, high = count_test(30, 164, Bar(0.25, at_least=False)), count_test(134, 164, Bar(0.75))
    assert (low.test.p_against, low.test.p_for) == pytest.approx((high.test.p_against, high.test.p_for))


def test_items_drawn_from_a_benchmark_are_compared_with_its_own_score():
    # At least 148 of 164: 44 right of 53 excludes it, 45 do not
    assert (
        count_test(44, 53, Bar(0.9, size=164)).test.p_against
        <= 0.05
        < count_test(45, 53, Bar(0.9, size=164)).test.p_against
    )
    expected = stats.hypergeom(164, 148, 53).cdf(44)
    assert count_test(44, 53, Bar(0.9, size=164)).test.p_against == pytest.approx(expected)


@pytest.mark.parametrize(("right", "word"), [(140, "supported"), (139, "refuted")])
def test_a_benchmark_asked_whole_leaves_no_doubt(right: int, word: str):
    seen = count_test(right, 164, Bar(0.85, size=164))
    assert combine([seen.test], "each", 0.05).word == word
    assert (seen.low, seen.high) == (right / 164, right / 164)


def test_above_is_not_reached_by_just_as_much():
    exactly, above = Bar(0.5, size=10), Bar(0.5, strict=True, size=10)
    assert combine([count_test(5, 10, exactly).test], "each", 0.05).word == "supported"
    assert combine([count_test(5, 10, above).test], "each", 0.05).word == "refuted"


def test_an_open_question_says_how_many_samples_it_takes():
    needed = count_test(42, 50, Bar(0.9)).test.needed
    assert needed is not None and needed > 100
    on_the_bar = count_test(45, 50, Bar(0.9)).test.needed
    assert on_the_bar is None or on_the_bar > 5000


def test_clusters_make_a_score_less_sure():
    values = [1.0, 1.0, 0.0, 0.0] * 20
    alone, together = mean_test(values, None, Bar(0.6)), mean_test(values, [i // 2 for i in range(80)], Bar(0.6))
    assert together.high - together.low > alone.high - alone.low
    assert together.test.p_against > alone.test.p_against


# --- two models -----------------------------------------------------------------------------------


def test_two_printed_shares_have_newcombes_interval():
    # Newcombe 1998, table II, method 10: 56/70 - 48/80
    assert newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_better_is_fishers_test_where_all_that_is_known_are_two_shares():
    seen = unpaired_test((148, 164), (131, 164), Gap())
    table = [[148, 16], [131, 33]]
    assert seen.test.p_for == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert seen.test.p_against == pytest.approx(stats.fisher_exact(table, alternative="less").pvalue)


def test_better_is_mcnemars_test_on_the_same_samples():
    subject = [1.0] * 10 + [0.0] * 2 + [1.0] * 30
    other = [0.0] * 10 + [1.0] * 2 + [1.0] * 30
    # (10, 2) has p .03857 two-sided
    assert paired_test(subject, other, None, Gap()).test.p_for == pytest.approx(0.03857 / 2, abs=5e-6)
    assert paired_test(other, subject, None, Gap(upward=False)).test.p_for == pytest.approx(0.03857 / 2, abs=5e-6)


def test_equal_numbers_do_not_show_that_models_match():
    seen = unpaired_test((143, 164), (143, 164), Gap(margin=0.05, within=True))
    assert combine([seen.test], "each", 0.05).word == "inconclusive"
    assert seen.test.needed is not None and seen.test.needed > 400
    many = unpaired_test((14300, 16400), (14300, 16400), Gap(margin=0.05, within=True))
    assert combine([many.test], "each", 0.05).word == "supported"
    apart = unpaired_test((900, 1000), (700, 1000), Gap(margin=0.05, within=True))
    assert combine([apart.test], "each", 0.05).word == "refuted"


def test_not_worse_may_be_a_little_worse():
    slightly = unpaired_test((8300, 10000), (8400, 10000), Gap(shift=-0.05))
    assert combine([slightly.test], "each", 0.05).word == "supported"
    clearly = unpaired_test((7000, 10000), (8400, 10000), Gap(shift=-0.05))
    assert combine([clearly.test], "each", 0.05).word == "refuted"


# --- from tests to a word -------------------------------------------------------------------------


def test_each_part_must_hold_and_one_that_does_not_refutes():
    good, bad, open_ = OneTest(0.99, 0.001), OneTest(0.001, 0.99), OneTest(0.4, 0.3, 70)
    assert combine([good, good], "each", 0.05).word == "supported"
    assert combine([good, bad], "each", 0.05).word == "refuted"
    assert (combine([good, open_], "each", 0.05).word, combine([good, open_], "each", 0.05).needed) == (
        "inconclusive",
        70,
    )
    assert combine([good, bad], "any", 0.05).word == "supported"
    assert combine([bad, bad], "any", 0.05).word == "refuted"


def test_many_parts_must_not_refute_by_chance():
    lucky = [OneTest(0.03, 0.9)] + [OneTest(0.6, 0.5)] * 4
    assert combine(lucky[:1], "each", 0.05).word == "refuted"
    assert combine(lucky, "each", 0.05).word == "inconclusive"


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "not_testable_here"),
        ([printed(0.768)], "refuted"),
        ([printed(0.951)], "supported"),
        ([printed(0.87)], "inconclusive"),
        ([printed(0.768, protocol={"shots": 3, "prompt": "chat"})], "protocol_differs"),
        ([printed(0.768, protocol={"shots": 0})], "protocol_differs"),
        ([printed(0.768, n=None)], "protocol_differs"),
        ([printed(0.768, task="mbpp")], "protocol_differs"),
        ([printed(0.768, model="another-model")], "not_testable_here"),
        ([printed(0.951, own=True)], "inconclusive"),
        ([printed(0.768, own=True)], "refuted"),
        # Variants that disagree settle nothing about a name that means both
        ([printed(0.768), printed(0.951, model="big-model-pro")], "inconclusive"),
        ([printed(0.768), printed(0.70, model="big-model-pro")], "refuted"),
    ],
)
def test_published_numbers_decide_in_the_order_of_verdicts(rows: list[dict[str, Any]], word: str):
    assert word_of(a_claim(published=rows)) == word


def test_a_number_of_another_checkpoint_or_mode_decides_nothing():
    subject = {"model": "big-model", "revision": "released", "mode": "thinking"}
    fits = {"revision": "released", "mode": "thinking"}
    assert word_of(a_claim(subject=subject, published=[printed(0.768, **fits)])) == "refuted"
    other = printed(0.768, revision="preview", mode="thinking")
    found = of_published(a_claim(subject=subject, published=[other]))
    assert found.evidence[0].faults == ("revision is preview, not released",)


def test_a_part_without_a_number_keeps_a_sentence_from_being_supported():
    test = {"metric": "pass@1", "tasks": ["humaneval", "humanevalx_cpp"]}
    assert word_of(a_claim(test=test, published=[printed(0.951)])) == "inconclusive"
    assert word_of(a_claim(test=test, published=[printed(0.6)])) == "refuted"


def test_what_nothing_here_measures_comes_first():
    claim = a_claim(test={"not_measured": "prose needs readers"}, published=[printed(0.5)])
    assert word_of(claim) == "not_testable_here"


def test_the_tested_sentence_and_the_assumptions_name_what_was_filled_in():
    claim = a_claim(assumed=["subject.revision", "tolerance", "protocol"])
    assert judge.tested_sentence(claim) == (
        "On humaneval, prompted without worked examples, as a chat, big-model has pass@1 at least 0.85 "
        "(0.9 with a tolerance of 0.05), in general, beyond these items."
    )
    assert judge.assumptions(claim) == (
        "checkpoint: any",
        "tolerance: 0.05",
        "protocol: without worked examples, as a chat",
    )


# --- prices and facts -----------------------------------------------------------------------------


def test_sixty_per_cent_cheaper_holds_in_all_cells_in_none_or_in_some():
    dear, cheap, cheapest = Price("old", 2.5, 10.0), Price("new", 1.74, 3.48), Price("small", 0.14, 0.28)
    assert judge_prices(cells([cheapest], [dear]), 0.4)[0].word == "supported"
    assert judge_prices(cells([cheap], [dear]), 0.4)[0].word == "refuted"
    ruling, evidence = judge_prices(cells([cheap, cheapest], [dear]), 0.4)
    assert ruling.word == "inconclusive" and "3 of 6 cells" in ruling.rule
    assert "3:1 50.3 % (not)" in evidence[0].text
    assert judge_prices([], 0.4)[0].word == "not_testable_here"


def test_facts_all_agree_or_settle_nothing():
    claim = a_claim(test={"fact": "attention", "equals": "MLA"}, relation="fact")
    latent, other = Fact("v3", "attention", "MLA", "config"), Fact("v4", "attention", "compressed", "config")
    assert judge_facts(claim.test, [latent])[0].word == "supported"
    assert judge_facts(claim.test, [other])[0].word == "refuted"
    assert judge_facts(claim.test, [latent, other])[0].word == "inconclusive"
    assert judge_facts(claim.test, [Fact("v3", "licence", "MIT", "card")])[0].word == "not_testable_here"


# --- planning -------------------------------------------------------------------------------------


def test_plans_are_the_published_sizes():
    plans = {plan.truth: plan for plan in score_plans(a_claim(), 164)}
    assert (plans[0.75].needed_skill, plans[0.65].needed_skill) == (110, 31)
    # Looking after every sample costs some of the power of one look at the end: .5155 and .9402 (binomial test)
    assert 0.3 < plans[0.8].power < 0.5155 and 0.8 < plans[0.75].power < 0.9402
    assert plans[0.8].word == "refuted" and plans[0.9].word == "supported"
    matching = a_claim(relation="within", threshold=None, comparators=[{"model": "other"}])
    same = next(plan for plan in gap_plans(matching, 0.85) if plan.gap == 0)
    # The normal formula gives 874, 437 and 262, the interval of Bonett and Price 876, 443 and 272
    assert same.needed == (876, 455, 295)


def test_the_fixed_n_of_a_plan_is_the_n_from_which_the_power_stays():
    plan = next(plan for plan in score_plans(a_claim(threshold=0.95), 164) if plan.truth == 0.8)
    assert plan.needed_skill == refutation_size(0.9, 0.8).stays == 89


@pytest.mark.parametrize("about", ["skill", "benchmark"])
@pytest.mark.parametrize("relation", [">=", "<="])
def test_a_plan_predicts_where_the_check_of_such_a_model_stops(about, relation):
    claim = a_claim(test={"metric": "pass@1", "tasks": ["t"], "about": about}, relation=relation, tolerance=0.0)
    order, draw = [("t", str(i)) for i in range(200)], random.Random(0)
    for plan in [plan for plan in score_plans(claim, 200) if plan.truth in (0.7, 0.95)]:
        used, words = [], []
        for _ in range(80):
            test = SequentialTest(claim, order, {"t": 200})
            if about == "benchmark":
                values = draw.sample([1.0] * round(200 * plan.truth) + [0.0] * round(200 * (1 - plan.truth)), 200)
            else:
                values = [float(draw.random() < plan.truth) for _ in order]
            test.advance(dict(zip(order, values, strict=True)))
            used.append(test.used)
            words.append(test.settled)
        predicted = plan.skill if about == "skill" else plan.items
        assert predicted is not None
        assert statistics.median(used) == pytest.approx(predicted.half, rel=0.2, abs=2)
        assert statistics.fmean(used) == pytest.approx(predicted.mean, rel=0.2)
        assert words.count(plan.word) / 80 == pytest.approx(predicted.power, abs=0.12)


# --- differences, ratios and equalities -----------------------------------------------------------


def against(**changes: Any) -> Claim:
    return a_claim(
        **({"threshold": None, "tolerance": 0.0, "relation": ">", "comparators": [{"model": "other"}]} | changes)
    )


def pairs(wins: int, losses: int, both: int, neither: int) -> tuple[list[float], list[float]]:
    return [1.0] * (wins + both) + [0.0] * (losses + neither), [0.0] * wins + [1.0] * (both + losses) + [0.0] * neither


@pytest.mark.parametrize(
    ("wins", "losses", "word"), [(30, 5, "inconclusive"), (60, 5, "supported"), (22, 20, "refuted"), (5, 30, "refuted")]
)
def test_beats_by_ten_points_is_more_than_beats(wins: int, losses: int, word: str):
    """30 to 5 of 200 shows a difference, but its interval, [.07, .18], holds .10."""
    claim = against(by=0.1)
    found = paired_test(*pairs(wins, losses, 100, 100 - wins - losses), None, gap_of(claim))
    assert combine([found.test], "each", 0.05).word == word
    assert (word == "inconclusive") == (found.low < 0.1 < found.high)


def test_less_by_ten_points_mirrors_more_by_ten_points():
    up, down = gap_of(against(by=0.1)), gap_of(against(by=0.1, relation="<"))
    values, other = pairs(60, 5, 100, 35)
    more, less = paired_test(values, other, None, up).test, paired_test(other, values, None, down).test
    assert (more.p_for, more.p_against) == pytest.approx((less.p_for, less.p_against), rel=1e-6)
    assert gap_of(against(by=0.1, tolerance=0.02)).shift == pytest.approx(0.08)
    assert gap_of(against(by=0.1, tolerance=0.02, relation="<")).shift == pytest.approx(-0.08)


def test_twice_as_good_needs_twice_the_share():
    gap = gap_of(against(times=2))
    assert combine([unpaired_test((160, 200), (60, 200), gap).test], "each", 0.05).word == "supported"
    assert combine([unpaired_test((160, 200), (80, 200), gap).test], "each", 0.05).word == "inconclusive"
    assert combine([unpaired_test((160, 200), (110, 200), gap).test], "each", 0.05).word == "refuted"
    paired = [paired_test(*pairs(150 - b, 0, b, 50), None, gap) for b in (40, 75, 110)]
    assert [combine([one.test], "each", 0.05).word for one in paired] == ["supported", "inconclusive", "refuted"]
    assert paired[1].difference == pytest.approx(0.0, abs=1e-12)


def test_a_ratio_errs_as_often_as_it_says():
    """True ratio 2: each of support and refutation comes up in at most one case of twenty."""
    generator, gap = random.Random(3), gap_of(against(times=2))
    tests = []
    for _ in range(300):
        other = [float(generator.random() < 0.35) for _ in range(150)]
        values = [float(generator.random() < (0.9 if base else 0.9 * 0.35 / 0.65 + 0.0923)) for base in other]
        tests.append(paired_test(values, other, None, gap).test)
    # 0.35 * 0.9 + 0.65 * 0.5769 = 0.69, a little below twice 0.35
    assert sum(test.p_for <= 0.05 for test in tests) <= 24
    assert sum(test.p_against <= 0.05 for test in tests) <= 36


@pytest.mark.parametrize(
    ("quote", "share", "unit"),
    [
        ("scores 75 % on it", 0.75, 0.01),
        ("scores 75.0% on it", 0.75, 0.001),
        ("a pass rate of 0.75", 0.75, 0.01),
        ("83.9 percent", 0.839, 0.001),
        ("83,9 per cent", 0.839, 0.001),
        ("80 % of 75 tasks", 0.8, 0.01),
        ("175 %, 7.5 %", 0.75, None),
        ("three quarters", 0.75, None),
    ],
)
def test_the_digits_of_a_sentence_say_how_exact_it_is(quote: str, share: float, unit: float | None):
    assert printed_unit(quote, share) == (None if unit is None else pytest.approx(unit))


def test_scores_75_per_cent_is_neither_at_least_nor_at_most():
    claim = a_claim(quote="scores 75 % on HumanEval", relation="=", threshold=0.75, tolerance=0.0)
    assert claim.width == pytest.approx(0.005)
    words = {
        (k, n): combine([count_test(k, n, bar_of(claim, None)).test], "each", 0.05).word
        for k, n in ((82, 164), (150, 164), (123, 164), (75_000, 100_000))
    }
    assert list(words.values()) == ["refuted", "refuted", "inconclusive", "supported"]
    exactly = a_claim(
        quote="75 %", relation="=", threshold=0.75, tolerance=0.0, test=claim.test.model_dump() | {"about": "benchmark"}
    )
    whole = {k: combine([count_test(k, 164, bar_of(exactly, 164)).test], "each", 0.05).word for k in (122, 123, 124)}
    assert whole == {122: "refuted", 123: "supported", 124: "refuted"}
    assert "equal to 0.75 to within 0.005" in judge.tested_sentence(claim)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threshold": 0.1, "comparators": [{"model": "other"}]}, "by: 0.1"),
        ({"by": 0.1}, "comparators"),
        ({"relation": "=", "quote": "about three quarters", "threshold": 0.75, "tolerance": 0.0}, "needs a tolerance"),
        ({"relation": "=", "threshold": None, "comparators": [{"model": "other"}]}, "within"),
        ({"threshold": None, "comparators": [{"model": "other"}], "by": 0.1, "times": 2}, "not both"),
        ({"threshold": None, "comparators": [{"model": "other"}], "by": 10}, "0.1"),
        (
            {"threshold": None, "comparators": [{"model": "other"}], "by": 0.1, "relation": "within"},
            "needs comparators",
        ),
    ],
)
def test_a_page_that_cannot_mean_anything_says_what_to_write(changes: dict[str, Any], says: str):
    with pytest.raises(ValidationError, match=re.escape(says)):
        a_claim(**changes)
