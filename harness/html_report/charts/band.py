"""A line with a band around it, over an axis of whole numbers, in a square of 100 by 100 that stretches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.html_report.charts.scale import Scale, Tick


@dataclass(frozen=True, slots=True)
class Mark:
    """A point: per cent of the width and of the height, from the top."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Band:
    """Points of an SVG polyline, and of the polygon of the band ("" without bounds)."""

    line: str
    area: str
    marks: tuple[Mark, ...]


def band(xs: Sequence[float], values: Sequence[float], bounds: Sequence[tuple[float, float]], y: Scale) -> Band:
    """Draw values over `xs`, places in per cent; `bounds`: of each value, or none of them."""
    marks = tuple(Mark(x, _down(value, y)) for x, value in zip(xs, values, strict=True))
    above = [Mark(x, _down(high, y)) for x, (_, high) in zip(xs, bounds, strict=False)]
    below = [Mark(x, _down(low, y)) for x, (low, _) in zip(xs, bounds, strict=False)]
    return Band(_points(marks), _points([*above, *reversed(below)]), marks)


def whole_ticks(low: int, high: int, most: int = 8) -> tuple[Tick, ...]:
    """Ticks at whole numbers from `low` to `high`, both ends among them, at most `most` and one."""
    if low == high:
        return (Tick(0.0, str(low)),)
    scale = Scale(low, high)
    step = max(1, math.ceil((high - low) / most))
    inner = [number for number in range(low + step, high, step) if high - number > step / 2]
    return tuple(Tick(scale.place(number), str(number)) for number in (low, *inner, high))


def _down(value: float, y: Scale) -> float:
    return round(100 - y.place(value), 3)


def _points(marks: Sequence[Mark]) -> str:
    return " ".join(f"{mark.x:g},{mark.y:g}" for mark in marks)
