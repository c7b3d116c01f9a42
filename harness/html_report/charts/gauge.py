"""A gauge: intervals on a scale, on which the ranges that count for and against a statement are shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.html_report.charts.scale import Scale, Tick, around

Anchor = Literal["start", "middle", "end"]
# Per cent from an end of the scale within which a label would leave it
EDGE = 15.0
# A band as narrow as this has its word at the end of the scale
NARROW = 20.0


@dataclass(frozen=True, slots=True)
class Label:
    """A text at `place` per cent, and which part of it is there."""

    place: float
    text: str
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded range from `start` to `end` per cent; `good`: it counts for the statement. `label`: its word."""

    start: float
    end: float
    good: bool
    label: Label


@dataclass(frozen=True, slots=True)
class Strip:
    """One number on the scale, in per cent; the ends of its interval are None where it has none."""

    place: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Gauge:
    """What several numbers are drawn on: ticks, bands, and the ends of the required range (per cent)."""

    scale: Scale
    ticks: tuple[Label, ...]
    bands: tuple[Band, ...] = ()
    ends: tuple[Label, ...] = ()

    def strip(self, value: float, low: float | None, high: float | None) -> Strip:
        """Where a number is."""
        place = self.scale.place
        return Strip(place(value), None if low is None else place(low), None if high is None else place(high))


def gauge(
    numbers: Sequence[float],
    limits: tuple[float, float],
    required: tuple[float | None, float | None] = (None, None),
    texts: tuple[str, str] = ("", ""),
    *,
    signed: bool = False,
) -> Gauge:
    """Make the scale for these numbers and a required range; `texts` name its ends.

    `limits`: the range that is possible at all; the scale leaves it only where a number does. Raises ValueError
    without a number.
    """
    ends = [end for end in required if end is not None]
    shown = [*numbers, *ends]
    wide = around(shown, margin=0.15)
    scale = Scale(max(wide.low, min(limits[0], *shown)), min(wide.high, max(limits[1], *shown)))
    ticks = tuple(_tick(tick) for tick in scale.ticks(5, signed=signed))
    if not ends:
        return Gauge(scale, ticks)
    low, high = (None if end is None else scale.place(end) for end in required)
    return Gauge(scale, ticks, _bands(low, high), _ends(low, high, texts))


def _bands(low: float | None, high: float | None) -> tuple[Band, ...]:
    start, end = 0.0 if low is None else low, 100.0 if high is None else high
    found = [(0.0, start, False), (start, end, True), (end, 100.0, False)]
    return tuple(Band(first, last, good, _word(first, last, good)) for first, last, good in found if last > first)


def _word(first: float, last: float, good: bool) -> Label:
    text = "for" if good else "against"
    if last - first < NARROW and first == 0:
        return Label(0.0, text, "start")
    if last - first < NARROW and last == 100:
        return Label(100.0, text, "end")
    return Label(round((first + last) / 2, 3), text, "middle")


def _ends(low: float | None, high: float | None, texts: tuple[str, str]) -> tuple[Label, ...]:
    both = low is not None and high is not None
    found = []
    for place, text, away in ((low, texts[0], "end"), (high, texts[1], "start")):
        if place is not None:
            # Two labels go apart from each other
            found.append(Label(place, text, _anchor(place, "end" if away == "end" else "start", apart=both)))
    return tuple(found)


def _anchor(place: float, away: Anchor, *, apart: bool) -> Anchor:
    if place < EDGE:
        return "start"
    if place > 100 - EDGE:
        return "end"
    return away if apart else "middle"


def _tick(tick: Tick) -> Label:
    anchor: Anchor = "start" if tick.place < 4 else "end" if tick.place > 96 else "middle"
    return Label(tick.place, tick.text, anchor)


def limits_of(*, difference: bool, numbers: Sequence[float]) -> tuple[float, float]:
    """The possible range of scores, or of differences between two (of a ratio's contrast: any)."""
    if not difference:
        return 0.0, 1.0
    return (-1.0, 1.0) if all(abs(number) <= 1 for number in numbers) else (-math.inf, math.inf)
