"""How large the numbers of changed questions are, beside those of the originals.

A set with larger numbers is harder for that alone (arXiv 2605.28700), so each paired drop is shown with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.paired_drop import kolmogorov_smirnov


@dataclass(frozen=True, slots=True)
class NumberSizes:
    """Of `n` numbers and those in their places: mean digits before the decimal point, and the K-S distance of sizes."""

    n: int
    digits_before: float
    digits_after: float
    distance: float


def number_sizes(before: Sequence[str], after: Sequence[str]) -> NumberSizes | None:
    """Compare the sizes of numbers, as written; None where there are none. Raises ValueError for other texts."""
    if not before or not after:
        return None
    values = [[abs(float(text.replace(",", ""))) for text in side] for side in (before, after)]
    digits = [math.fsum(len(str(int(value))) for value in side) / len(side) for side in values]
    return NumberSizes(len(before), digits[0], digits[1], kolmogorov_smirnov(values[0], values[1]))
