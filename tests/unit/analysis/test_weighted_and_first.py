"""Weighted means, perplexities of targets, and the vote of the first tries, by lm-evaluation-harness and simulation."""

from __future__ import annotations

import math
import random

import pytest

from harness.analysis.estimates import estimate_suite, estimate_task
from harness.analysis.metric import bind, parse
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
    ContinuationScore,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Record,
    Sampling,
    Score,
    TextPrompt,
)
from harness.errors import ConfigError
from harness.stats.intervals import mean_interval, standard_error, weighted_mean_interval
from harness.store.slim import slim


def record(place: int, score: Score, group: str | None = None) -> Record:
    request = GenerateRequest(f"k{place}", "t", f"{place:03}", 0, TextPrompt(""), Sampling(max_tokens=1))
    return Record(RECORD_SCHEMA, "run", request, Completion(request.key, "x", "eos"), (score,), group)


def weighted(pairs: list[tuple[float, float]]) -> list[Record]:
    return [
        record(at, Score("own", value, detail={"weight": weight, "other": "long"}))
        for at, (value, weight) in enumerate(pairs)
    ]


# --- weighted means ---------------------------------------------------------------------------------


def test_shares_by_their_counts_are_the_share_of_all_parts() -> None:
    """Instruction level of IFEval: 1 of 1, 1 of 3, 0 of 2 instructions are 2 of 6, not (1 + 1/3 + 0) / 3."""
    (estimate,) = estimate_task("t", weighted([(1.0, 1), (1 / 3, 3), (0.0, 2)]), ["weighted_mean"], repeats=1)
    assert estimate.value == pytest.approx(2 / 6)
    assert (estimate.method, estimate.n) == ("weighted", 3)
    assert 0 <= estimate.low < estimate.value < estimate.high <= 1  # type: ignore[operator]


def test_records_without_texts_keep_their_weights() -> None:
    slimmed = [slim(one) for one in weighted([(1.0, 1), (1 / 3, 3), (0.0, 2)])]
    assert slimmed[0].scores[0].detail == {"weight": 1}
    assert estimate_task("t", slimmed, ["weighted_mean"], repeats=1)[0].value == pytest.approx(2 / 6)


def test_equal_weights_are_no_weights() -> None:
    rng = random.Random(4)
    values = [rng.random() for _ in range(60)]
    found = weighted_mean_interval(values, [7.0] * 60, range(60))
    plain = mean_interval(values)
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert found.stderr == pytest.approx(standard_error(values))


def test_intervals_of_weighted_means_cover_what_they_should() -> None:
    """The share of all parts, where samples with more parts are harder: 95 of 100 intervals contain it."""
    rng = random.Random(11)
    truth = (1 * 0.9 + 2 * 0.7 + 3 * 0.5) / 6
    covered = 0
    for _ in range(1000):
        sizes = [rng.randint(1, 3) for _ in range(80)]
        values = [sum(rng.random() < 1.1 - 0.2 * size for _ in range(size)) / size for size in sizes]
        found = weighted_mean_interval(values, sizes, range(80))
        covered += found.low <= truth <= found.high  # type: ignore[operator]
    assert 930 <= covered <= 975


def test_samples_of_a_group_count_together() -> None:
    values, weights = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0], [2.0, 2.0, 1.0, 1.0, 3.0, 3.0]
    alone = weighted_mean_interval(values, weights, range(6))
    grouped = weighted_mean_interval(values, weights, [0, 0, 1, 1, 2, 3])
    assert grouped.stderr > alone.stderr  # type: ignore[operator]
    assert grouped.high - grouped.low > alone.high - alone.low  # type: ignore[operator]


def test_where_nothing_varies_the_interval_is_not_empty() -> None:
    found = weighted_mean_interval([1.0] * 10, [float(weight) for weight in range(1, 11)], range(10))
    assert (found.value, found.high) == (1.0, 1.0) and found.low == pytest.approx(1 / (1 + 1.959964**2 / 10))


def test_what_weighs_nothing_has_no_mean_and_what_has_no_weight_is_refused() -> None:
    (nothing,) = estimate_task("t", weighted([(1.0, 0), (0.0, 0)]), ["weighted_mean"], repeats=1)
    assert nothing.value is None and any("nothing to divide by" in warning for warning in nothing.warnings)
    with pytest.raises(ConfigError, match="needs the `weight`"):
        estimate_task("t", [record(0, Score("own", 1.0))], ["weighted_mean"], repeats=1)
    with pytest.raises(ConfigError, match="takes no number"):
        parse("weighted_mean@3")


def test_a_weighted_mean_is_averaged_with_accuracies() -> None:
    first = estimate_task("t", weighted([(1.0, 1), (0.0, 3)]), ["weighted_mean"], repeats=1)
    second = estimate_task("t", weighted([(1.0, 1), (0.0, 3)]), ["mean"], repeats=1)
    overall = estimate_suite("both", [first[0], *(_named(one, "u") for one in second)])
    assert overall is not None and overall.value == pytest.approx((0.25 + 0.5) / 2)


def _named(estimate, task: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(estimate, task=task)


def test_a_score_may_have_metrics_of_its_own() -> None:
    both = [
        record(at, score)
        for at, score in enumerate(
            [Score("prompt", 1.0), Score("prompt", 0.0)],
        )
    ]
    both = [
        Record(one.schema, one.run_id, one.request, one.reply, (*one.scores, Score("part", 0.5, detail={"weight": 2})))
        for one in both
    ]
    own = {"part": ["weighted_mean"]}
    found = estimate_task("t", both, ["mean"], 1, None, ["prompt", "part"], own)
    assert [(one.scorer, one.metric, one.value) for one in found] == [
        ("prompt", "mean", 0.5),
        ("part", "weighted_mean", 0.5),
    ]


# --- perplexity of targets --------------------------------------------------------------------------


def test_the_perplexity_is_that_of_lambada() -> None:
    """12.366608779112193: `lm_eval.api.metrics.perplexity` of 0.4.13 on these log-probabilities."""
    found = []
    for at, logprob in enumerate([-0.3, -2.5, -7.25, -0.01]):
        request = LikelihoodRequest(f"k{at}", "t", str(at), 0, TextPrompt("?"), ("x",))
        reply = Likelihood(request.key, (ContinuationScore(logprob, 1, 1, 1, False),))
        score = Score("target_likelihood", 0.0, detail={"logprob": logprob, "targets": 1})
        found.append(slim(Record(RECORD_SCHEMA, "run", request, reply, (score,))))
    (estimate,) = estimate_task("t", found, ["perplexity"], repeats=1)
    assert estimate.value == pytest.approx(12.366608779112193)
    mean, error = 2.515, standard_error([0.3, 2.5, 7.25, 0.01])
    assert estimate.high == pytest.approx(math.exp(mean + 3.182446305 * error))
    assert estimate.stderr == pytest.approx(math.exp(mean) * error, rel=1e-5)
    overall = estimate_suite("s", [estimate, _named(estimate, "u")])
    assert overall is not None and overall.value is None


# --- the vote of the first tries --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "value"),
    [
        (["7", "8", "8", "7", "7"], 1.0),  # 7 and 8 are tied in the first four, and 7 came first
        (["8", "7", "7", "8", "8"], 0.0),
        ([None, "7", None, "7", "7"], 0.0),  # no answer votes too
        (["7", None, None, "7", "8"], 1.0),
        (["7.0", "7", "8", "8", "7"], 0.0),  # compared as they were written
        ([None, None, None, None, "7"], 0.0),
    ],
)
def test_the_first_tries_vote_as_in_lm_evaluation_harness(answers: list[str | None], value: float) -> None:
    """Its filters take_first_k and majority_vote on these answers, with its "[invalid]" for None."""
    scores = [Score("s", float(text in ("7", "7.0")), text, detail={"vote": (text or "")[:1]}) for text in answers]
    assert bind("maj_first@4", 5).of_sample(scores) == value  # type: ignore[union-attr]


def test_a_vote_needs_its_tries() -> None:
    with pytest.raises(ConfigError, match="needs at least 8 repeats"):
        bind("maj_first@8", 5)
    with pytest.raises(ConfigError, match="needs its number"):
        bind("maj_first", 5)
