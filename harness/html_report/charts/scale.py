"""From numbers to places: a linear scale with round ticks.

Charts have no width of their own: x is in per cent of whatever width a screen gives them, so that text keeps its size
from 360 to 1600 pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Distances between ticks, times a power of ten
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, at `place` per cent."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """[low, high] on 0 to 100 per cent. Raises ValueError unless low < high, both finite."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an empty range."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a scale needs low < high, not {self.low} and {self.high}")

    def place(self, value: float) -> float:
        """Per cent of the width, from 0 to 100; what is beyond an end is at that end."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 3)

    def ticks(self, most: int = 6, *, signed: bool = False) -> tuple[Tick, ...]:
        """At most `most` ticks at round numbers; `signed`: with their sign."""
        step = _step((self.high - self.low) / max(1, most - 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        decimals = max(
            0, -math.floor(math.log10(step) + 1e-9) + (round(step / 10 ** math.floor(math.log10(step)), 6) == 2.5)
        )
        form = f"{{:{'+' if signed else ''}.{decimals}f}}"
        values = [0.0 if number == 0 else number * step for number in range(first, last + 1)]
        return tuple(Tick(self.place(value), "0" if value == 0 else form.format(value)) for value in values)


def around(values: list[float], *, margin: float = 0.05) -> Scale:
    """A scale that holds all values, with a margin (a share of their range) around. Raises ValueError for none."""
    low, high = min(values), max(values)
    room = (high - low) * margin or max(abs(high), 1.0) * margin
    return Scale(low - room, high + room)


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in ROUND if factor * power >= least * (1 - 1e-9))
