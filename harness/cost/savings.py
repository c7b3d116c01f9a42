"""Whether one model's tokens are cheaper than another's: pairs of dated prices, in several blends of input and output.

Prices are US dollars for a million tokens, and ratios of prices are exact fractions, so that a saving of just 60 % is
60 %. Guarantees: prices that were never on offer at the same time are not compared. A price per token is no price per
task: a model that writes three times as much costs three times as much (see `run_cost`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from harness.cost.prices import Price


@dataclass(frozen=True, slots=True)
class Blend:
    """Input tokens to output tokens: `Blend(3, 1)` is the 3:1 of Artificial Analysis. Without cached tokens."""

    input: int
    output: int

    def __post_init__(self) -> None:
        """Refuse a blend of nothing. Raises ValueError."""
        if min(self.input, self.output) < 0 or not self.input + self.output:
            raise ValueError(f"a blend is two numbers from 0, not both 0; not {self.input}:{self.output}")

    @property
    def label(self) -> str:
        """`3:1`."""
        return f"{self.input}:{self.output}"

    def of(self, price: Price) -> Fraction:
        """Dollars for a million tokens in these proportions: (3 * input + output) / 4 for 3:1."""
        read, written = self.input * _exact(price.input), self.output * _exact(price.output)
        return (read + written) / (self.input + self.output)


BLENDS = (Blend(1, 1), Blend(3, 1), Blend(10, 1))


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison of two dated prices in one blend; `saving` is 1 - subject / comparator."""

    subject: Price
    comparator: Price
    blend: Blend
    saving: Fraction

    def cheaper_by(self, threshold: Fraction) -> bool:
        """Whether the subject costs at most (1 - threshold) of what the comparator costs."""
        return self.saving >= threshold


def cells(subjects: Sequence[Price], comparators: Sequence[Price], blends: Sequence[Blend] = BLENDS) -> list[Cell]:
    """Every pair of prices that were on offer at the same time, in every blend.

    Prices of different hours (peak and off-peak) are no pair: no request is made at both.
    """
    return [
        Cell(subject, comparator, blend, 1 - blend.of(subject) / blend.of(comparator))
        for subject in subjects
        for comparator in comparators
        if _met(subject, comparator)
        for blend in blends
    ]


def settle(found: Sequence[Cell], threshold: Fraction) -> Literal["supported", "refuted", "depends", "no cells"]:
    """Whether "cheaper by `threshold`" holds in all cells, in none, or in some of them."""
    if not found:
        return "no cells"
    passing = sum(cell.cheaper_by(threshold) for cell in found)
    return "supported" if passing == len(found) else "refuted" if not passing else "depends"


def _met(one: Price, other: Price) -> bool:
    """Whether two prices were on offer on some day, at some hour."""
    apart = one.hours != other.hours and "all" not in (one.hours, other.hours)
    starts = [price.since for price in (one, other) if price.since]
    ends = [price.until for price in (one, other) if price.until]
    return not apart and (not starts or not ends or max(starts) < min(ends))


def _exact(price: float) -> Fraction:
    """A price as written: 0.1 is a tenth."""
    return Fraction(str(price))
