"""Where marks of charts are: none covers another, and an axis says where it begins."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.html_report.charts.band import band, whole_ticks
from harness.html_report.charts.dots import NEAR, dot_row
from harness.html_report.charts.scale import Scale
from harness.html_report.charts.scatter import LINE, Point, axis_of, scatter, spread

SHARES = st.floats(0, 1)


@given(st.lists(SHARES, min_size=1, max_size=30))
def test_no_dot_covers_another(values):
    row = dot_row(values, Scale(0.0, 1.0))
    dots = row.dots
    for place, one in enumerate(dots):
        assert 0 < one.y < row.height
        for other in dots[place + 1 :]:
            assert abs(one.x - other.x) >= NEAR or one.y != other.y


@given(st.lists(st.tuples(st.floats(0.001, 1000), SHARES), min_size=1, max_size=40))
def test_labels_are_a_line_apart_and_inside(pairs):
    found = scatter([Point(x, score, score, score) for x, score in pairs])
    labels = sorted(point.label_y for point in found.points)
    assert all(b - a >= LINE - 1e-6 for a, b in pairwise(labels))
    assert labels[0] >= -1e-6
    assert labels[-1] <= found.height
    # Long labels at the middle have the same room on both sides
    assert all(point.after == (point.x < 50) for point in found.points)


@given(st.lists(st.floats(0, 300), max_size=15))
def test_spread_keeps_the_order(places):
    moved = spread(places, 16, 0, 300)
    assert [m for _, m in sorted(zip(places, moved, strict=True))] == sorted(moved)


def test_a_small_difference_of_cost_looks_small():
    axis = axis_of([31.0, 31.6])
    assert not axis.log
    assert axis.ticks[0].text == "0"
    assert abs(axis.place(31.0) - axis.place(31.6)) < 2


def test_a_large_range_has_an_axis_of_logarithms_with_readable_ticks():
    axis = axis_of([0.0000149, 0.00115])
    assert axis.log
    assert [tick.text for tick in axis.ticks] == ["0.00003", "0.0001", "0.0003", "0.001"]
    for tick in axis.ticks:
        assert math.isclose(axis.place(float(tick.text)), tick.place, abs_tol=0.01)


def test_a_cost_of_nothing_is_no_logarithm():
    assert not axis_of([0.0, 5.0]).log


def test_a_band_goes_along_above_and_back_below():
    found = band([0, 100], [0.5, 0.75], [(0.25, 0.5), (0.5, 1.0)], Scale(0.0, 1.0))
    assert found.line == "0,50 100,25"
    assert found.area == "0,50 100,0 100,50 0,75"
    assert band([0], [0.5], [], Scale(0.0, 1.0)).area == ""


def test_whole_ticks_have_both_ends():
    assert [tick.text for tick in whole_ticks(1, 5)] == ["1", "2", "3", "4", "5"]
    found = [int(tick.text) for tick in whole_ticks(1, 200)]
    assert found[0] == 1
    assert found[-1] == 200
    assert len(found) <= 9
