"""P-values of a mean by bets on a fixed number of samples: any values within a range, by samples or whole clusters.

p is the inverse of the e-value of all samples (`bets`); with a fixed bound their order does not matter. An interval of
a normal kind, inverted, is no test of such values: where most are near 1 and a few far below, Wilson's form with
Student's t shows a false mean in up to a third of cases. The interval printed here is what the bets do not refute.

Guarantees: a false statement is shown with probability at most alpha, for any distribution within the range and any n.
Needs independent samples, or clusters as `bets` says.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from harness.stats.bets import SCORES, Range, log_mean, p_of, rates
from harness.stats.margin_test import LEAST
from harness.stats.paired import cluster_sums
from harness.stats.power import ALPHA

# Halvings of the search for an end of an interval
ENDS = 30
# (sum, samples) of a unit, and how many such units there are
Units = Counter[tuple[float, int]]


def bets_p_value(
    contrasts: Sequence[float], clusters: Sequence[Hashable] | None, shift: float, values: Range = SCORES
) -> float:
    """Return the p-value of "the mean is at most `shift`" (small: it is above)."""
    if not values.low < shift < values.high:
        # No mean is outside the range
        return LEAST if math.fsum(contrasts) / len(contrasts) > shift else 1.0
    return p_of(_log_e(_units(contrasts, clusters), shift, values))


def bets_interval(
    contrasts: Sequence[float], clusters: Sequence[Hashable] | None, values: Range = SCORES, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the means that the bets of neither side refute, each at (1 - confidence) / 2."""
    bar = math.log(2 / (1 - confidence))
    mirrored = [-one for one in contrasts]
    return _least(contrasts, clusters, values, bar), -_least(mirrored, clusters, values.mirrored, bar)


def _least(contrasts: Sequence[float], clusters: Sequence[Hashable] | None, values: Range, bar: float) -> float:
    """The smallest mean of which "it is at most that" is not refuted."""
    units, low, high = _units(contrasts, clusters), values.low, values.high
    for _ in range(ENDS):
        middle = (low + high) / 2
        low, high = (middle, high) if _log_e(units, middle, values) >= bar else (low, middle)
    return low


def _units(contrasts: Sequence[float], clusters: Sequence[Hashable] | None) -> Units:
    return Counter(zip(*cluster_sums(contrasts, clusters), strict=True))


def _log_e(units: Units, bound: float, values: Range) -> float:
    """The ln of the e-value of all units against "the mean is at most `bound`"."""
    import numpy as np

    totals, counts = (np.array(each, dtype=float) for each in zip(*units, strict=True))
    number = np.array(list(units.values()), dtype=float)
    # As of `bets`: a cluster weighs as its share of the largest
    odds = np.maximum((totals - counts * bound) / counts.max(), values.low - bound) / (bound - values.low)
    return log_mean(np.log1p(rates()[:, None] * odds) @ number)


def needed_by_bets(found: tuple[float, float], n: int) -> int | None:
    """Further samples until the e-value is 1 / alpha, if its ln grows on as it did; None where it hardly grows."""
    log_e = -math.log(min(found))
    return max(1, math.ceil(n * -math.log(ALPHA) / log_e) - n) if log_e > 0.05 else None
