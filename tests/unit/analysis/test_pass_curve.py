"""pass@k over k: every point is the score table's, and the mean over all subsets of k tries."""

from __future__ import annotations

from itertools import combinations
from statistics import mean

import pytest

from harness.analysis.estimates import estimate_task
from harness.analysis.pass_curve import MOST_POINTS, ks, pass_curve
from harness.datatypes import Completion, Failure, GenerateRequest, Record, Sampling, Score, TextPrompt

TRIES = {"a": "10110", "b": "00000", "c": "00010", "d": "11111"}


def record(sample: str, repeat: int, value: float | None, answer: str = "") -> Record:
    key = f"{sample}.{repeat}"
    request = GenerateRequest(key, "task", sample, repeat, TextPrompt(""), Sampling(8))
    fault = Failure("score", "broken", "", ours=True) if value is None else None
    return Record(1, "r", request, Completion(key, "", "eos"), (Score("s", value, answer, failure=fault),))


def records(tries: dict[str, str]) -> list[Record]:
    return [record(name, i, float(hit), hit) for name, hits in tries.items() for i, hit in enumerate(hits)]


def test_each_point_is_the_mean_over_all_subsets():
    curve = pass_curve(records(TRIES), "task")
    assert curve is not None
    for point in curve.passes:
        by_sample = [mean("1" in s for s in combinations(hits, point.k)) for hits in TRIES.values()]
        assert point.score.value == pytest.approx(mean(by_sample))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_each_point_is_the_estimate_of_the_score_table(k):
    own = records(TRIES)
    curve = pass_curve(own, "task", vote=True)
    assert curve is not None
    for metric, points in (("pass", curve.passes), ("maj", curve.majority)):
        (estimate,) = estimate_task("task", own, [f"{metric}@{k}"], 5)
        score = points[k - 1].score
        assert (score.value, score.low, score.high) == (estimate.value, estimate.low, estimate.high)


def test_a_sample_with_a_fault_is_left_out_and_counted():
    own = [*records(TRIES), record("e", 0, 1.0), record("e", 1, None)]
    curve = pass_curve(own, "task")
    assert curve is not None
    assert (curve.n, curve.unscored, curve.tries) == (4, 1, 5)


@pytest.mark.parametrize("tries", [{"a": "1", "b": "0"}, {"a": "101", "b": "0"}, {}])
def test_there_is_no_curve_of_one_try(tries):
    assert pass_curve(records(tries), "task") is None


def test_there_is_no_curve_of_a_graded_score():
    assert pass_curve([record("a", 0, 0.5), record("a", 1, 1.0)], "task") is None


def test_many_tries_have_few_points_with_both_ends():
    found = ks(1000)
    assert found[0] == 1
    assert found[-1] == 1000
    assert len(found) <= MOST_POINTS + 1
    assert list(found) == sorted(set(found))
