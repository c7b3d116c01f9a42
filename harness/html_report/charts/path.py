"""Lines over samples: thousands of points become a polyline of a few hundred that looks the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.html_report.charts.gauge import Anchor, Label
from harness.html_report.charts.scale import Scale

# Parts of the width of which each keeps its first, lowest, highest and last point: a line has at most 4 kB of text
PARTS = 80
# Powers of ten beyond the highest bound, and below 1, that a chart of e-values has room for
ABOVE, BELOW = 1.0, 3.0
# Per cent of the width that a label beside a line needs
EDGE = 30.0


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line at `place` per cent of the height, from the top, and its text, above the line or `below`."""

    place: float
    text: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """`points`: of a polyline in a box of 100 by 100; `x`, `y`: its last point, in per cent from the left and top."""

    points: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Area:
    """The place of numbers in a chart: x from 0 to `total`, y on a scale with the largest on top."""

    total: int
    scale: Scale

    def line(self, x: Sequence[float], y: Sequence[float]) -> Line:
        """A polyline through the points, thinned. Raises ValueError for no points."""
        kept = thinned(x, y)
        across = Scale(0.0, float(self.total))
        places = [(across.place(a), self.height(b)) for a, b in kept]
        return Line(" ".join(f"{_short(a)},{_short(b)}" for a, b in places), *places[-1])

    def height(self, value: float) -> float:
        """Per cent of the height from the top; what is beyond an end is at that end."""
        return round(100 - self.scale.place(value), 3)

    def across(self, used: float) -> float:
        """Per cent of the width."""
        return Scale(0.0, float(self.total)).place(used)

    def beside(self, used: float, text: str) -> Label:
        """A label beside a vertical line, on the side that has room."""
        place = self.across(used)
        anchor: Anchor = "end" if place > 100 - EDGE else "start"
        return Label(place, text, anchor)


def thinned(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """Keep of each part of the width the first, lowest, highest and last point: all extremes stay.

    Source: M4 of Jugel et al. 2014, PVLDB 7:797-808. Raises ValueError for no points.
    """
    if not x:
        raise ValueError("a line needs a point")
    if len(x) <= 4 * PARTS:
        return list(zip(x, y, strict=True))
    width = (x[-1] - x[0]) / PARTS or 1.0
    parts: dict[int, list[int]] = {}
    for place, at in enumerate(x):
        parts.setdefault(min(PARTS - 1, int((at - x[0]) / width)), []).append(place)
    kept: list[int] = []
    for places in parts.values():
        lowest, highest = min(places, key=y.__getitem__), max(places, key=y.__getitem__)
        kept += sorted({places[0], lowest, highest, places[-1]})
    return [(x[place], y[place]) for place in kept]


def evidence_scale(logs: Sequence[float], bounds: Sequence[float]) -> Scale:
    """A scale of log10 of e-values with room for all bounds, at most ABOVE and BELOW; beyond it a line is at the edge.

    `logs` and `bounds` are ln.
    """
    top = max(bounds) / math.log(10)
    high = min(max(max(logs, default=0.0) / math.log(10), top) + 0.3, top + ABOVE)
    low = max(min(min(logs, default=0.0) / math.log(10), -1.0), -BELOW)
    return Scale(low, high)


def decades(scale: Scale) -> tuple[float, ...]:
    """The powers of ten on a scale of log10."""
    return tuple(float(power) for power in range(math.ceil(scale.low), math.floor(scale.high) + 1))


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
