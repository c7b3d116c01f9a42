"""The frontier of cost and score, against its definition tried on every pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.stats.frontier import beaten_by

POINTS = st.lists(st.tuples(st.sampled_from([1.0, 2.0, 3.0, 4.0]), st.sampled_from([0.1, 0.2, 0.3])), max_size=8)


@given(POINTS)
def test_a_point_is_on_the_frontier_unless_some_other_is_as_cheap_and_as_good_and_not_equal(points):
    for point, better in zip(points, beaten_by(points), strict=True):
        beats = [q for q in points if q[0] <= point[0] and q[1] >= point[1] and q != point]
        assert (better is None) == (not beats)
        assert better is None or points[better] in beats


@given(POINTS)
def test_what_beats_a_point_is_itself_on_the_frontier(points):
    found = beaten_by(points)
    assert all(found[better] is None for better in found if better is not None)
