"""Intervals against scipy, against the formulas written out, and against simulated truth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.intervals import clustered_standard_error, mean_interval, standard_error, wilson

WILSON = [
    (9, 10, 0.5958, 0.9821),
    (27, 30, 0.7438, 0.9654),
    (45, 50, 0.7864, 0.9565),
    (148, 164, 0.8474, 0.9391),
    (131, 164, 0.7309, 0.8530),
    (0, 20, 0.0, 0.1611),
    (20, 20, 0.8389, 1.0),
    (442, 500, 0.8530, 0.9092),
]


@pytest.mark.parametrize(("right", "n", "low", "high"), WILSON)
def test_wilson_gives_the_tabled_bounds(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right / n, n) == pytest.approx((low, high), abs=5.1e-5)


@settings(deadline=None)
@given(st.integers(1, 3000), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    from scipy.stats import binomtest

    right = data.draw(st.integers(0, n))
    expected = binomtest(right, n).proportion_ci(method="wilson")
    assert wilson(right / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_clustered_error_of_the_worked_example() -> None:
    values, clusters = [1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert sum(values) / 12 == pytest.approx(0.416667, abs=5e-7)
    assert standard_error(values) == pytest.approx(0.148647, abs=5e-7)
    assert clustered_standard_error(values, list(range(12))) == pytest.approx(0.142319, abs=5e-7)
    assert clustered_standard_error(values, clusters) == pytest.approx(0.216506, abs=5e-7)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 3)), min_size=1, max_size=20))
def test_clustered_error_is_the_sum_over_pairs(pairs: list[tuple[float, int]]) -> None:
    """Miller's formula as printed: the independent variance plus every pair within a cluster."""
    n, mean = len(pairs), math.fsum(value for value, _ in pairs) / len(pairs)
    same = math.fsum((v - mean) * (w - mean) for v, a in pairs for w, b in pairs if a == b)
    found = clustered_standard_error([value for value, _ in pairs], [cluster for _, cluster in pairs])
    assert found**2 == pytest.approx(max(same, 0) / n**2, abs=1e-12)


scores = st.one_of(
    st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.builds(lambda value, n: [value] * n, st.floats(0, 1), st.integers(1, 40)),
)


@settings(deadline=None)
@given(scores, st.integers(1, 12), st.booleans())
def test_a_bounded_score_has_an_interval_around_it_that_stays_in_bounds(
    values: list[float], clusters: int, grouped: bool
) -> None:
    groups = [i % clusters for i in range(len(values))] if grouped else None
    found = mean_interval(values, groups)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert found.value == pytest.approx(sum(values) / len(values))


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30).filter(lambda v: min(v) < 0))
def test_other_scores_get_students_t_and_are_not_clipped(values: list[float]) -> None:
    import numpy
    from scipy import stats

    found = mean_interval(values)
    assert found.method == "t"
    if found.low is None or found.high is None:
        assert numpy.std(values) < 1e-10 * max(1, max(map(abs, values)))
        return
    expected = stats.t.interval(0.95, len(values) - 1, numpy.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_the_method_follows_from_values_and_clusters() -> None:
    assert mean_interval([0, 1, 1, 0]).method == "wilson"
    assert mean_interval([0, 1, 1, 0], ["a", "b", "c", "d"]).method == "wilson"
    assert mean_interval([0, 1, 1, 0], ["a", "a", "c", "d"]).method == "clustered"
    assert mean_interval([0.5, 1, 1, 0]).method == "t"


def test_twins_count_as_one_sample() -> None:
    """Every sample twice, as one cluster: no more is known than from one each."""
    once = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0] * 5
    twins = mean_interval([v for v in once for _ in range(2)], [i for i in range(50) for _ in range(2)])
    single = mean_interval(once)
    assert twins.stderr == pytest.approx(single.stderr)
    assert (twins.low, twins.high) == pytest.approx((single.low, single.high), abs=0.005)


def test_clusters_that_are_all_right_are_as_many_as_they_are() -> None:
    """20 answers in 5 clusters, all right: the bound is that of 5 independent answers, not of 20."""
    found = mean_interval([1.0] * 20, [i % 5 for i in range(20)])
    assert (found.low, found.high) == pytest.approx(wilson(1.0, 5))
    lone = mean_interval([1.0, 0.0, 1.0], ["a", "a", "a"])
    assert (lone.low, lone.high) == pytest.approx(wilson(2 / 3, 1))
    assert lone.stderr is None


def test_clusters_alike_by_chance_do_not_narrow_the_interval() -> None:
    values = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    found = mean_interval(values, ["a", "a", "b", "b", "c", "c"])
    assert found.stderr == pytest.approx(0.0)
    apart = mean_interval(values)
    assert found.low is not None and apart.low is not None and found.low <= apart.low


def beta_clusters(rng: random.Random, p: float) -> tuple[list[float], list[int] | None]:
    """30 clusters of 3 with correlation 0.3 inside."""
    chances = [rng.betavariate(p * 7 / 3, (1 - p) * 7 / 3) for _ in range(30)]
    return [float(rng.random() < chance) for chance in chances for _ in range(3)], [i // 3 for i in range(90)]


def repeated(rng: random.Random, p: float) -> tuple[list[float], list[int] | None]:
    """50 samples of unequal hardness, each asked 4 times."""
    chances = [rng.betavariate(p * 2, (1 - p) * 2) for _ in range(50)]
    return [sum(rng.random() < chance for _ in range(4)) / 4 for chance in chances], None


@pytest.mark.parametrize("draw", [beta_clusters, repeated])
@pytest.mark.parametrize("p", [0.5, 0.9])
def test_nineteen_of_twenty_intervals_hold_the_truth(
    draw: Callable[[random.Random, float], tuple[list[float], list[int] | None]], p: float
) -> None:
    """1000 draws at a fixed seed; the naive interval covers 0.85 to 0.89 of the clustered ones."""
    rng = random.Random(20)
    held = 0
    for _ in range(1000):
        found = mean_interval(*draw(rng, p))
        assert found.low is not None and found.high is not None
        held += found.low <= p <= found.high
    assert 0.92 <= held / 1000 <= 0.98
