"""Rank ranges by brute force over all orders, their coverage by simulation."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.ranking import Entrant, rank
from harness.analysis.values import SampleValue, SampleValues
from harness.results import Estimate
from harness.stats.multiple import holm, holm_directional
from harness.stats.ranks import RankRange, not_distinguishable, rank_ranges


@given(st.integers(1, 5).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.data())))
def test_each_range_holds_the_ranks_of_all_orders_that_agree_with_what_was_decided(case):
    order, data = case
    count = len(order)
    pairs = [(order[i], order[j]) for i, j in itertools.combinations(range(count), 2)]
    decided = data.draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    agreeing = [o for o in itertools.permutations(range(count)) if all(o.index(a) < o.index(b) for a, b in decided)]
    for place, found in enumerate(rank_ranges(count, decided)):
        ranks = [one.index(place) + 1 for one in agreeing]
        assert found.best <= min(ranks)
        assert found.worst >= max(ranks)
    # And no wider than that where what follows from two decisions was decided itself
    closed = {(a, b) for a, b in pairs if all(o.index(a) < o.index(b) for o in agreeing)}
    for place, found in enumerate(rank_ranges(count, closed)):
        ranks = {one.index(place) + 1 for one in agreeing}
        assert (found.best, found.worst) == (min(ranks), max(ranks))


def test_a_pair_cannot_be_decided_both_ways():
    with pytest.raises(ValueError, match="both ways"):
        rank_ranges(2, [(0, 1), (1, 0)])


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.sampled_from(list(itertools.combinations(range(n), 2)) or [(0, 0)])))
    )
)
def test_the_stretches_are_all_in_which_all_pairs_are_undecided_and_cannot_be_longer(case):
    count, undecided = case
    undecided = {(a, b) for a, b in undecided if a != b}

    def free(part):
        return all(pair in undecided for pair in itertools.combinations(part, 2))

    parts = [tuple(range(a, b)) for a in range(count) for b in range(a + 2, count + 1) if free(range(a, b))]
    longest = [part for part in parts if not any(set(part) < set(other) for other in parts)]
    assert sorted(not_distinguishable(range(count), undecided)) == sorted(longest)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_stating_directions_costs_more_than_holm_and_less_than_bonferroni(p_values):
    for p, plain, directional in zip(p_values, holm(p_values), holm_directional(p_values), strict=True):
        assert plain - 1e-12 <= directional <= max(plain, min(1, len(p_values) * p)) + 1e-12


def test_only_pairs_that_were_compared_can_be_alike():
    def with_samples(place: int, first: int, value: float) -> Entrant:
        found = entrant(place, np.full(40, value))
        samples = tuple(SampleValue(f"{first + i:04}", value) for i in range(40))
        return replace(found, values={"t": SampleValues("t", "s", "mean", samples)})

    found = rank("t", [with_samples(0, 0, 1.0), with_samples(1, 40, 0.5), with_samples(2, 0, 0.0)])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("m0", "m2")]
    assert found.ties == ()
    assert len(found.notes) == 2


def test_many_runs_with_graded_values_are_still_told_apart():
    # Holm over 1128 pairs needs a p below that of any pattern among 20 000 drawn ones
    generator = np.random.default_rng(2)
    runs = [entrant(place, place / 50 + generator.uniform(0, 0.015, 40)) for place in range(48)]
    assert [one.ranks for one in rank("t", runs).standings] == [RankRange(place, place) for place in range(1, 49)]


def entrant(place: int, values: np.ndarray) -> Entrant:
    """A run with these values of one task."""
    samples = tuple(SampleValue(f"{i:04}", float(v)) for i, v in enumerate(values))
    mean = float(values.mean())
    estimate = Estimate("t", "s", "mean", mean, None, None, "wilson", len(values), 0, 1)
    return Entrant(place, f"m{place}", estimate, {"t": SampleValues("t", "s", "mean", samples)})


def test_ranges_contain_the_true_ranks_of_all_runs_at_least_19_times_of_20():
    # Three of five are equally good: each of their ranks, 2 to 4, must be in the ranges of all three
    truth = [0.7, 0.5, 0.5, 0.5, 0.3]
    possible = [{1}, {2}, {2}, {2}, {5}]
    generator = np.random.default_rng(11)
    missed = resolved = 0
    for _ in range(120):
        ease = generator.normal(0, 0.3, 150)
        runs = [
            entrant(place, (generator.random(150) < np.clip(p + ease, 0, 1)).astype(float))
            for place, p in enumerate(truth)
        ]
        found = {standing.place: standing.ranks for standing in rank("t", runs).standings}
        ranges = [found[place] for place in range(5)]
        missed += not all(
            r.best <= true <= r.worst for r, trues in zip(ranges, possible, strict=True) for true in trues
        )
        resolved += ranges[0] == RankRange(1, 1)
    assert missed <= 12
    assert resolved > 30
