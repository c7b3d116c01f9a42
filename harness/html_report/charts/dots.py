"""Dots of one row on a scale: those that would cover each other are stacked, none is hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.html_report.charts.scale import Scale

# Dots nearer than this share of the width (per cent) would touch on a telephone
NEAR = 4.0
# Pixels between the centres of stacked dots
STEP = 9
# Room above and below the outermost centres
ROOM = 8


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark at `x` per cent and `y` pixels."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class DotRow:
    """The dots in the order of their values, and the ends of the line through them; `height` in pixels."""

    dots: tuple[Dot, ...]
    low: float
    high: float
    height: int


def dot_row(values: Sequence[float], scale: Scale) -> DotRow:
    """Place one value or more. Raises ValueError for none."""
    if not values:
        raise ValueError("a row needs a dot")
    places = [scale.place(value) for value in values]
    level: dict[int, int] = {}
    for number in sorted(range(len(places)), key=lambda one: (places[one], one)):
        taken = {level[other] for other in level if abs(places[other] - places[number]) < NEAR}
        level[number] = next(free for free in range(len(places)) if free not in taken)
    highest = max(level.values())
    height = 2 * ROOM + STEP * highest
    dots = tuple(Dot(place, height - ROOM - STEP * level[number]) for number, place in enumerate(places))
    return DotRow(dots, min(places), max(places), height)
