"""One row of a sorted strip: an interval with its point on a scale that all rows share."""

from __future__ import annotations

from dataclasses import dataclass

from harness.html_report.charts.scale import Scale


@dataclass(frozen=True, slots=True)
class Strip:
    """Places of the point and of the interval's ends, per cent."""

    place: float
    low: float
    high: float


def strip(value: float, low: float, high: float, scale: Scale) -> Strip:
    """Place a value and its interval."""
    return Strip(scale.place(value), scale.place(low), scale.place(high))
