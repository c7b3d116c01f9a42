"""From records to the table's figures, as the story of a small run."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.estimates import count_by_failure, estimate_suite, estimate_task, primary_estimates
from harness.datatypes import (
    Completion,
    ContinuationScore,
    Failure,
    Finish,
    GenerateRequest,
    Likelihood,
    Record,
    Refusal,
    Reply,
    Sampling,
    Score,
    TextPrompt,
)
from harness.results import Estimate
from harness.stats.intervals import wilson

NO_ANSWER = Failure("extract", "no_answer", "nothing like a number", ours=False)
JUDGE_DIED = Failure("score", "judge_died", "the judge was killed", ours=True)
ENGINE_DOWN = Failure("engine", "unreachable", "no route", ours=True)
TOO_LONG = Failure("engine", "context_window", "the prompt alone fills the window", ours=False)


def record(sample: int, *scores: Score, repeat: int = 0, reply: Reply | None = None, group: str = "") -> Record:
    key = f"gsm8k-{sample}-{repeat}"
    request = GenerateRequest(key, "gsm8k", str(sample), repeat, TextPrompt("1+1="), Sampling(8))
    return Record(1, "run", request, reply or completion(), scores, group or None)


def completion(finish: Finish = "eos", dropped: int = 0) -> Completion:
    return Completion("k", "2", finish, prompt_tokens=4, output_tokens=10, dropped_tokens=dropped, seconds=0.5)


def score(value: float | None, failure: Failure | None = None, scorer: str = "strict") -> Score:
    return Score(scorer, value, "2", failure=failure)


def only(records: list[Record], metric: str = "mean", repeats: int = 1, expected: int | None = None) -> Estimate:
    (estimate,) = estimate_task("gsm8k", records, [metric], repeats, expected)
    return estimate


def test_nine_of_ten_right() -> None:
    estimate = only([record(i, score(float(i != 3))) for i in range(10)], expected=10)
    assert (estimate.value, estimate.n, estimate.unscored, estimate.method) == (0.9, 10, 0, "wilson")
    assert (estimate.low, estimate.high) == pytest.approx((0.5958, 0.9821), abs=5e-5)
    assert estimate.warnings == ()
    assert (estimate.truncated, estimate.unextracted, estimate.cut_prompts) == (0, 0, 0)
    assert (estimate.mean_tokens, estimate.tokens_per_second) == (10, 20)


def test_our_faults_leave_samples_out_and_the_models_own_count_as_wrong() -> None:
    records = [
        record(0, score(1.0)),
        record(1, score(0.0, NO_ANSWER)),
        record(2, reply=Refusal("k", TOO_LONG)),
        record(3, score(None, JUDGE_DIED)),
        record(4, reply=Refusal("k", ENGINE_DOWN)),
        record(5, score(None, ENGINE_DOWN), reply=Refusal("k", ENGINE_DOWN)),
        record(6, score(math.nan)),
        record(7),
    ]
    estimate = only(records)
    assert estimate.value == pytest.approx(1 / 3)
    assert (estimate.n, estimate.unscored) == (3, 5)
    assert estimate.warnings == (
        "5 of 8 samples are unscored and left out of the score: "
        "engine unreachable x2, score judge_died x1, score missing x1",
    )


def test_a_sample_with_one_unscored_try_is_unscored_and_each_sample_counts_once() -> None:
    records = [record(0, score(1.0), repeat=r) for r in range(4)]
    records += [record(1, score(float(r == 0)), repeat=r) for r in range(4)]
    records += [record(2, score(None, JUDGE_DIED) if r == 2 else score(1.0), repeat=r) for r in range(4)]
    estimate = only(records, repeats=4)
    assert (estimate.value, estimate.n, estimate.unscored) == (0.625, 2, 1)
    assert estimate.method == "t"
    assert only(records, "pass@2", 4).value == pytest.approx((1 + 0.5) / 2)


def test_nothing_scored_gives_no_number() -> None:
    estimate = only([record(0, score(None, JUDGE_DIED))])
    assert (estimate.value, estimate.low, estimate.high, estimate.method) == (None, None, None, "none")
    assert (estimate.n, estimate.unscored, estimate.truncated) == (0, 1, None)
    empty = only([], expected=5)
    assert (empty.value, empty.n) == (None, 0)


def test_every_scorer_under_every_metric_the_first_is_primary() -> None:
    records = [record(i, score(0.0), score(1.0, scorer="flexible"), repeat=r) for i in range(3) for r in range(2)]
    found = estimate_task("gsm8k", records, ["mean", "pass@2"], 2)
    assert [(e.scorer, e.metric, e.value) for e in found] == [
        ("strict", "mean", 0.0),
        ("strict", "pass@2", 0.0),
        ("flexible", "mean", 1.0),
        ("flexible", "pass@2", 1.0),
    ]
    assert primary_estimates(found) == (found[0],)
    reordered = estimate_task("gsm8k", records, ["mean"], 2, None, ["flexible", "strict"])
    assert [e.scorer for e in reordered] == ["flexible", "strict"]


def test_samples_of_one_group_widen_the_interval() -> None:
    alone = only([record(i, score(float(i // 5 % 2))) for i in range(50)])
    grouped = only([record(i, score(float(i // 5 % 2)), group=f"passage {i // 5}") for i in range(50)])
    assert grouped.method == "clustered"
    assert alone.low is not None and grouped.low is not None and grouped.low < alone.low - 0.1


def test_a_score_made_of_cut_off_answers_says_so() -> None:
    records = [record(i, score(0.0, NO_ANSWER), reply=completion("length")) for i in range(10)]
    truncated, unextracted = only(records).warnings
    assert truncated.startswith("all of the answers were cut off at max_tokens")
    assert "sampling.max_tokens" in truncated
    assert unextracted.startswith("strict found no answer in all of the completions")
    few = [record(i, score(1.0), reply=completion("length" if i < 1 else "eos")) for i in range(20)]
    assert only(few).warnings == ()
    over = [record(i, score(1.0), reply=completion("length" if i < 6 else "eos")) for i in range(10)]
    assert "60.0 % of the answers were cut off" in only(over).warnings[0]


def test_a_full_window_is_truncation_with_its_own_share_and_its_own_advice() -> None:
    estimate = only([record(i, score(0.0), reply=completion("window" if i < 3 else "eos")) for i in range(10)])
    assert (estimate.truncated, estimate.window, estimate.filtered, estimate.completed) == (0.3, 0.3, 0.0, 0.0)
    (warning,) = estimate.warnings
    assert warning.startswith("30.0 % of the answers ended because the context window was full")


def test_filtered_answers_are_counted_as_such_and_not_as_unread_or_truncated() -> None:
    filtered = Failure("engine", "filtered", "withheld", ours=False)
    records = [record(i, score(0.0, filtered), reply=completion("filtered")) for i in range(2)]
    records += [record(i, score(1.0)) for i in range(2, 10)]
    estimate = only(records)
    assert (estimate.value, estimate.filtered, estimate.truncated, estimate.unextracted) == (0.8, 0.2, 0.0, 0.0)
    assert "20.0 % of the answers were withheld by the server's content filter" in estimate.warnings[0]
    assert count_by_failure(records) == {"gsm8k": {"engine filtered": 2}}
    suite = estimate_suite("suite", [estimate])
    assert suite is not None and (suite.filtered, suite.window) == (0.2, 0.0)


def test_empty_answers_are_reported_and_not_only_scored() -> None:
    empty = replace(score(0.0, NO_ANSWER), detail={"empty": "text"})
    (first, *_) = only([record(i, empty) for i in range(24)]).warnings
    assert first.startswith("24 of 24 answers are empty")
    assert only([record(0, empty), *(record(i, score(1.0)) for i in range(1, 20))]).warnings == ()


def test_a_budget_that_reasoning_used_up_is_named() -> None:
    spent = replace(score(0.0, NO_ANSWER), detail={"empty": "reasoning"})
    warnings = only([record(i, spent, reply=completion("length")) for i in range(4)]).warnings
    assert "in 4 of 4 the reasoning used all of it" in warnings[0]
    assert not any("are empty" in warning for warning in warnings)


def test_a_fault_of_a_server_comes_with_what_to_do() -> None:
    limited = Failure("engine", "rate_limited", "429", ours=True)
    refusals = [record(i, reply=Refusal(f"k{i}", limited)) for i in range(3)]
    (warning,) = only([*refusals, record(3, score(1.0))]).warnings
    assert "engine rate_limited x3" in warning and "lower engine.concurrency" in warning


def test_cut_prompts_and_a_limited_run_are_warned_of() -> None:
    records = [record(i, score(1.0), reply=completion(dropped=7 * (i == 0))) for i in range(4)]
    estimate = only(records, expected=1319)
    assert estimate.cut_prompts == 0.25
    assert estimate.warnings[0].startswith("25.0 % of the prompts were cut on the left")
    assert estimate.warnings[1].startswith("only 4 of 1319 samples were run")


ABSENT = Failure("engine", "missing", "the file has no answer", ours=True)


def ragged(values_of_samples: list[list[float]], repeats: int = 2) -> list[Record]:
    """Samples of which a file of completions holds so many answers; the rest of `repeats` is refused as missing."""
    found = []
    for sample, values in enumerate(values_of_samples):
        found += [record(sample, score(value), repeat=r) for r, value in enumerate(values)]
        found += [
            record(sample, score(None, ABSENT), repeat=r, reply=Refusal("k", ABSENT))
            for r in range(len(values), repeats)
        ]
    return found


def test_ragged_repeats_count_c_of_each_samples_own_n() -> None:
    records = ragged([[1.0, 1.0], [0.0], [0.0]])
    for metric in ("mean", "pass@1", "maj@1"):
        estimate = only(records, metric, 2)
        assert (estimate.value, estimate.n, estimate.unscored) == (pytest.approx(1 / 3), 3, 0), metric
        assert (estimate.low, estimate.high) == pytest.approx(wilson(1 / 3, 3))
        assert estimate.warnings == ("samples have from 1 to 2 completions: each sample counts once",)
    # 1 of 3, 2 of 2 and 0 of 1: the mean over problems, not over answers (which would be 3 of 6)
    assert only(ragged([[1.0, 0.0, 0.0], [1.0, 1.0], [0.0]], 3), "pass@1", 3).value == pytest.approx(4 / 9)
    assert only(ragged([[1.0, 0.0, 0.0], [1.0, 1.0]], 3), "pass@2", 3).value == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize("metric", ["pass@2", "maj@2"])
def test_a_metric_has_no_value_where_one_sample_has_too_few_completions(metric: str) -> None:
    estimate = only(ragged([[1.0, 1.0], [0.0], [0.0, 1.0]]), metric, 2)
    assert (estimate.value, estimate.low, estimate.n, estimate.unscored) == (None, None, 0, 0)
    assert estimate.warnings[0].startswith(f"{metric} has no value: 1 of 3 samples have fewer completions")


def test_a_sample_of_which_the_file_holds_nothing_is_unscored() -> None:
    estimate = only(ragged([[1.0, 0.0], []]), "pass@1", 2)
    assert (estimate.value, estimate.n, estimate.unscored) == (0.5, 1, 1)


def test_the_score_without_truncated_answers_is_shown_beside_the_score() -> None:
    cut, whole = completion("length"), completion("eos")
    records = [record(i, score(float(i < 6)), reply=whole if i < 8 else cut) for i in range(10)]
    estimate = only(records)
    assert (estimate.value, estimate.truncated, estimate.completed) == (0.6, 0.2, 0.75)
    assert only([record(0, score(1.0))]).completed is None
    assert only([record(0, score(0.0), reply=cut)]).completed is None
    # By the metric: of two tries a sample, one was cut
    tries = [record(i, score(float(r == 0)), repeat=r, reply=cut if r else whole) for i in range(4) for r in range(2)]
    assert [only(tries, metric, 2).completed for metric in ("mean", "pass@1", "pass@2")] == [1.0, 1.0, None]


def test_right_answers_that_extraction_missed_are_counted_and_warned_of_above_one_in_twenty() -> None:
    passed_over = Score("strict", 0.0, "9", detail={"gold_present": True})
    rare = only([record(i, passed_over if i < 1 else score(1.0)) for i in range(20)])
    assert (rare.unread, rare.warnings) == (0.05, ())
    often = only([record(i, passed_over if i < 3 else score(0.0)) for i in range(30)])
    assert often.unread == 0.1
    assert often.warnings[0].startswith("10.0 % of the completions contain the right answer, but strict read another")


def test_an_unfinished_run_leaves_out_samples_with_too_few_tries() -> None:
    records = [record(0, score(1.0), repeat=r) for r in range(3)] + [record(1, score(0.0))]
    estimate = only(records, "maj@3", 3)
    assert (estimate.value, estimate.n, estimate.unscored) == (1.0, 1, 0)
    assert estimate.warnings == ("1 samples have too few answers yet for maj@3: left out of the score",)


def test_choices_by_likelihood_have_no_length_and_no_tokens() -> None:
    reply = Likelihood("k", (ContinuationScore(-1.0, 1, 1, 1, True),))
    estimate = only([record(i, score(float(i)), reply=reply) for i in range(2)])
    assert (estimate.value, estimate.cut_prompts) == (0.5, 0.0)
    assert (estimate.truncated, estimate.unextracted, estimate.mean_tokens) == (None, None, None)


def test_speed_is_all_tokens_over_all_seconds() -> None:
    slow = replace(completion(), output_tokens=100, seconds=10.0)
    uncounted = replace(completion(), output_tokens=None, seconds=None)
    estimate = only([record(i, score(1.0), reply=r) for i, r in enumerate([completion(), slow, uncounted])])
    assert estimate.tokens_per_second == pytest.approx(110 / 10.5)
    assert estimate.mean_tokens == 55


outcomes = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, 0.25, None]), st.sampled_from(["", "g", "h"])),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(outcomes, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(samples: list[tuple[float | None, str]], rng: random.Random) -> None:
    records = [
        record(i, score(value, JUDGE_DIED if value is None else None), repeat=r, group=group)
        for i, (value, group) in enumerate(samples)
        for r in range(2)
    ]
    shuffled = rng.sample(records, len(records))
    assert only(records, repeats=2) == only(shuffled, repeats=2)


def test_records_of_other_tasks_are_passed_over() -> None:
    other = replace(record(0, score(0.0)), request=replace(record(0).request, task="humaneval"))
    assert only([record(1, score(1.0)), other]).n == 1


def right(task: str, right: int, n: int) -> Estimate:
    return replace(only([record(i, score(float(i < right))) for i in range(n)]), task=task)


def test_a_suite_is_the_unweighted_mean_of_its_tasks() -> None:
    tasks = [right("gsm8k", 400, 1000), right("gsm8k", 1000, 1000), right("humaneval", 800, 1000)]
    suite = estimate_suite("math-and-code", tasks)
    assert suite is not None
    assert (suite.task, suite.method, suite.n, suite.metric) == ("math-and-code", "macro", 2000, "mean")
    assert suite.value == pytest.approx(0.6)
    stderr = math.sqrt(0.4 * 0.6 / 1000 + 0.8 * 0.2 / 1000) / 2
    assert suite.stderr == pytest.approx(stderr)
    assert (suite.low, suite.high) == pytest.approx((0.6 - 1.96 * stderr, 0.6 + 1.96 * stderr), abs=5e-4)


def test_a_suite_by_size_is_the_mean_over_all_its_samples() -> None:
    """The pooled standard error of lm-evaluation-harness 0.4.13 for these tasks is 0.00905409."""
    tasks = [right("algebra", 900, 1000), right("logic", 30, 100), right("law", 500, 1000)]
    suite = estimate_suite("mmlu", tasks, by_size=True)
    assert suite is not None and suite.value == pytest.approx(1430 / 2100)
    assert (suite.method, suite.metric, suite.n) == ("weighted by size", "mean, weighted by size", 2100)
    assert suite.stderr == pytest.approx(math.sqrt(1000 * 0.09 + 100 * 0.21 + 1000 * 0.25) / 2100)
    assert suite.stderr == pytest.approx(0.009054088565104722, rel=0.001)
    assert suite.low < suite.value < suite.high  # type: ignore[operator]
    assert (suite.high - suite.low) / 2 == pytest.approx(1.96 * suite.stderr, rel=0.01)  # type: ignore[operator]


def test_tasks_of_one_size_have_one_average() -> None:
    tasks = [right("gsm8k", 4, 10), right("humaneval", 8, 10)]
    plain, by_size = estimate_suite("s", tasks), estimate_suite("s", tasks, by_size=True)
    assert plain is not None and by_size is not None
    both = [(one.value, one.low, one.high, one.stderr) for one in (plain, by_size)]
    assert both[0] == pytest.approx(both[1])


@pytest.mark.parametrize("by_size", [False, True])
def test_a_suite_of_one_task_has_that_tasks_interval(by_size: bool) -> None:
    task = right("gsm8k", 3, 20)
    suite = estimate_suite("one", [task], by_size=by_size)
    assert suite is not None
    assert (suite.value, suite.low, suite.high) == pytest.approx((task.value, task.low, task.high))


def test_uses_of_one_page_make_no_suite_surer_than_one_of_them() -> None:
    """The same samples asked five times over are no more samples."""
    uses = [replace(right("gsm8k", 12, 20), task=f"gsm8k_{use}") for use in range(5)]
    suite = estimate_suite("sweep", uses, shared=True)
    assert suite is not None
    assert (suite.value, suite.low, suite.high) == pytest.approx((uses[0].value, uses[0].low, uses[0].high))
    assert suite.method == "macro, same samples"
    alone = estimate_suite("sweep", uses)
    assert alone is not None and alone.low is not None and suite.low is not None and alone.low > suite.low


def test_a_suite_of_zeros_is_not_certain() -> None:
    suite = estimate_suite("zeros", [right("gsm8k", 0, 20), right("humaneval", 0, 20)])
    assert suite is not None
    assert (suite.value, suite.low) == (0, 0)
    assert suite.high == pytest.approx(wilson(0, 20)[1] * math.sqrt(2) / 2)


def test_a_suite_with_a_task_without_score_has_none_and_says_why() -> None:
    lost = replace(only([record(0, score(None, JUDGE_DIED))]), task="humaneval")
    suite = estimate_suite("both", [right("gsm8k", 1, 2), lost])
    assert suite is not None
    assert (suite.value, suite.low, suite.n, suite.unscored) == (None, None, 2, 1)
    assert suite.warnings == ("no score over all tasks: humaneval has none",)
    assert estimate_suite("none", []) is None


def test_a_suites_shares_are_over_all_its_answers() -> None:
    few = replace(right("a", 1, 10), truncated=1.0, mean_tokens=100.0, tokens_per_second=10.0)
    many = replace(right("b", 1, 15), truncated=0.0, repeats=2, mean_tokens=None, tokens_per_second=None)
    suite = estimate_suite("s", [few, many])
    assert suite is not None
    assert (suite.truncated, suite.mean_tokens) == (0.25, 100)
    assert suite.tokens_per_second == pytest.approx(10)


def test_failures_are_counted_once_an_answer() -> None:
    both = (score(0.0, NO_ANSWER), score(0.0, NO_ANSWER, "flexible"))
    records = [
        record(0, *both),
        record(1, *both),
        record(2, score(1.0)),
        record(3, reply=Refusal("k", ENGINE_DOWN)),
    ]
    assert count_by_failure(records) == {"gsm8k": {"extract no_answer": 2, "engine unreachable": 1}}


def test_programs_that_mostly_do_not_compile_bring_a_warning() -> None:
    broken = Failure("execute", "compile_error", "expected `}`", ours=False)
    wrong = Failure("execute", "failed", "assert add(1, 2) == 3", ours=False)
    most = [record(i, score(0.0, broken if i < 6 else wrong)) for i in range(10)]
    (warning,) = only(most).warnings
    assert warning.startswith("60.0 % of the programs do not compile") and "expected `}`" in warning
    assert only([record(i, score(0.0, broken if i < 5 else wrong)) for i in range(10)]).warnings == ()
    unknown = [record(i, replace(score(0.0, wrong), detail={"form": "unknown"})) for i in range(3)]
    assert "have no known form of a completion" in only(unknown).warnings[0]
