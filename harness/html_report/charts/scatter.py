"""Labelled points on two scales, the horizontal one logarithmic where its range is large.

Labels are at the side of their point where there is more room, and at least a line's height apart from each other, so
that none covers another at any width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from harness.html_report.charts.scale import Scale, Tick, around

# The largest value over the smallest from which the axis is logarithmic
LARGE = 20.0
# Pixels between the middles of two labels
LINE = 16
LEAST_HEIGHT = 260
# A label's centre over its point, clear of the frontier's line
ABOVE = 11
EDGE = 14
MOST_TICKS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """A horizontal axis: its scale (of logarithms to base 10 if `log`) and ticks."""

    scale: Scale
    ticks: tuple[Tick, ...]
    log: bool

    def place(self, value: float) -> float:
        """Per cent of the width. Raises ValueError for a value that has no logarithm, on an axis of logarithms."""
        return self.scale.place(math.log10(value) if self.log else value)


@dataclass(frozen=True, slots=True)
class Placed:
    """A point at `x` per cent and `y` pixels, its interval from `top` to `bottom`; `label_y`: the label's middle.

    `after`: the label is at the right of the point; `moved`: it is further from it than usual, so a line leads to it.
    """

    x: float
    y: float
    top: float
    bottom: float
    label_y: float
    after: bool
    moved: bool


@dataclass(frozen=True, slots=True)
class Point:
    """A value on the horizontal axis, a score and its interval (equal to the score where there is none)."""

    x: float
    score: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scatter:
    """All of it: `height` in pixels; `ticks`: of the vertical axis, their places in pixels from the top."""

    axis: Axis
    points: tuple[Placed, ...]
    ticks: tuple[Tick, ...]
    height: int


def scatter(points: Sequence[Point], *, lower_is_better: bool = False) -> Scatter:
    """Place one point or more, the best score on top. Raises ValueError for none."""
    axis = axis_of([point.x for point in points])
    y = around([bound for point in points for bound in (point.low, point.high)])
    height = max(LEAST_HEIGHT, LINE * (len(points) + 2))

    def at_share(share: float) -> float:
        return round(EDGE + (height - 2 * EDGE) * (share if lower_is_better else 100 - share) / 100, 1)

    def down(value: float) -> float:
        return at_share(y.place(value))

    heights = [down(point.score) for point in points]
    labels = spread([at - ABOVE for at in heights], LINE, 0, height - EDGE)
    placed = tuple(
        Placed(
            place := axis.place(point.x),
            at,
            min(down(point.high), down(point.low)),
            max(down(point.high), down(point.low)),
            label,
            place < 50,
            moved=abs(label - at + ABOVE) > LINE / 2,
        )
        for point, at, label in zip(points, heights, labels, strict=True)
    )
    ticks = tuple(Tick(at_share(tick.place), tick.text) for tick in y.ticks())
    return Scatter(axis, placed, ticks, height)


def axis_of(values: Sequence[float]) -> Axis:
    """Return an axis that holds all values. Raises ValueError for none."""
    least, most = min(values), max(values)
    if least > 0 and most / least >= LARGE:
        scale = around([math.log10(value) for value in values])
        return Axis(scale, _powers(scale), log=True)
    # From 0, so that a small difference looks small
    scale = Scale(min(0.0, least), (most if most > 0 else 1.0) * 1.08)
    return Axis(scale, scale.ticks(5), log=False)


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places in the same order, at least `apart` from each other, as near to their own as moving down allows.

    They stay within [low, high] if there is room for all of them.
    """
    order = sorted(range(len(places)), key=lambda one: (places[one], one))
    moved = [0.0] * len(places)
    least = low
    for one in order:
        moved[one] = max(places[one], least)
        least = moved[one] + apart
    most = high
    for one in reversed(order):
        moved[one] = min(moved[one], most)
        most = moved[one] - apart
    return moved


def _powers(scale: Scale) -> tuple[Tick, ...]:
    """Ticks at round steps between powers of ten, no more of them than have room on a telephone."""
    first, last = math.floor(scale.low), math.ceil(scale.high)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [Decimal(factor).scaleb(power) for power in range(first, last + 1) for factor in factors]
        inside = [value for value in values if scale.low <= math.log10(value) <= scale.high]
        if len(inside) <= MOST_TICKS:
            break
    step = math.ceil(len(inside) / MOST_TICKS) or 1
    return tuple(Tick(scale.place(math.log10(value)), f"{value:f}") for value in inside[::step])
