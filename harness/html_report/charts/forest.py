"""Forest plots: a point with its interval on a scale that all rows share; the places are in per cent of the width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.html_report.charts.scale import Scale, Tick, around

# An axis of shares from 0 to 1, whatever the scores are: tasks can be compared by eye
SHARES = Scale(0.0, 1.0)
# With more tasks, each is one line that opens
MOST_OPEN = 8
# Pixels for the labels of an axis at the narrowest, of a character, between two labels
ROOM, CHARACTER, BETWEEN = 200, 7, 8
# A narrower axis of differences would make noise look large
LEAST_REACH = 0.02


@dataclass(frozen=True, slots=True)
class Mark:
    """A point and the ends of its interval, in per cent; the ends are None where there is no interval."""

    place: float
    low: float | None
    high: float | None

    @property
    def width(self) -> float:
        """Of the interval; 0 without one."""
        return 0.0 if self.low is None or self.high is None else _short(self.high - self.low)


@dataclass(frozen=True, slots=True)
class Label:
    """A tick with its text and where that is anchored, so that none leaves the axis."""

    place: float
    text: str
    anchor: str


def mark(scale: Scale, value: float | None, low: float | None, high: float | None) -> Mark | None:
    """Return where a value is; None for no value."""
    if value is None:
        return None
    if low is None or high is None:
        return Mark(_short(scale.place(value)), None, None)
    return Mark(*(_short(scale.place(number)) for number in (value, low, high)))


def axis(scale: Scale, *, signed: bool = False) -> tuple[Label, ...]:
    """Return round numbers as labels: as many as do not touch where the chart is narrowest."""
    every = [scale.ticks(most, signed=signed) for most in (6, 5, 4, 3)]
    ticks = next((found for found in every if _width(found) <= ROOM), every[-1])
    return tuple(
        Label(_short(t.place), t.text, "start" if t.place < 4 else "end" if t.place > 96 else "middle") for t in ticks
    )


def score_scale(values: Iterable[float | None], *, share: bool, most: float | None = None) -> Scale:
    """Return the axis of scores: 0 to 1 for shares, 0 to `most` where the metric has a largest value, else around."""
    if share:
        return SHARES
    if most is not None:
        return Scale(0.0, most)
    known = [value for value in values if value is not None]
    return around(known) if known else SHARES


def difference_scale(bounds: Iterable[float], margin: float | None = None) -> Scale:
    """Return an axis with 0 in its middle that holds all bounds, and the margin with space beside it."""
    reach = max(LEAST_REACH, *(abs(bound) for bound in bounds), 1.3 * (margin or 0.0))
    reach = min(1.0, 1.05 * reach)
    return Scale(-reach, reach)


def _width(ticks: Iterable[Tick]) -> int:
    """Pixels that the labels need, all as wide as the widest."""
    lengths = [len(tick.text) for tick in ticks]
    return len(lengths) * (CHARACTER * max(lengths, default=0) + BETWEEN)


def _short(place: float) -> float:
    """A tenth of a per cent is less than a pixel; a page has thousands of places."""
    return round(place, 1)
