"""Sequential tests of a mean of bounded values by betting, valid at any stopping time.

For values that are no 0 or 1 (partial credit, shares over repeats), for differences of two models against a margin, and
for clustered samples. Against "the mean is at most b" one bets on each value x: the capital is multiplied by
1 + rate * (x - b) / (b - low), which is never negative and whose mean is at most 1. The e-value is the mean of GRID
such capitals with fixed rates; it starts at 1, and by Ville's inequality it ever reaches 1 / alpha with probability at
most alpha. Source: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1-27 (capital processes, diversified Kelly
betting).

- `size`: exactly so many values, drawn in random order. Before each value b is replaced by the largest mean that the
  values left may have (same source, section 5).
- clusters: values of one cluster are not independent, clusters are. The unit is the cluster's sum of (x - b), divided
  by the size of the largest cluster, and moved by b: its mean is b exactly where the mean over samples is. The clusters
  are a random part of a population of clusters that are no larger than the largest one here.

Guarantees: a true statement is refuted with probability at most alpha, a false one supported with probability at most
alpha, whenever one stops, whatever the distribution within the range. Needs units in random order, and independent ones
unless `size` is given. Does not need a variance, a normal distribution, or a least number of values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.stats.hypothesis import HypothesisTest

if TYPE_CHECKING:
    import numpy as np

# Rates of betting, as shares of the largest that cannot lose all
GRID = 100
# Below this two sums of values are one
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Range:
    """What values may be: from `low` to `high`. `whole`: only whole numbers, so that sums differ by one at least."""

    low: float
    high: float
    whole: bool = False

    @property
    def mirrored(self) -> Range:
        """The range of the values with the opposite sign."""
        return Range(-self.high, -self.low, self.whole)


SCORES = Range(0.0, 1.0)
# Of two models' scores: right and wrong answers, and graded ones
DIFFERENCES = Range(-1.0, 1.0, whole=True)
GRADED_DIFFERENCES = Range(-1.0, 1.0)


class AtMost:
    """The e-process against "the mean is at most `bound`", fed one value at a time."""

    def __init__(self, bound: float, size: int | None = None, values: Range = DIFFERENCES) -> None:
        """Raise ValueError for a bound that is not inside the range, without a size: no value could contradict it."""
        import numpy as np

        if size is None and not values.low < bound < values.high:
            raise ValueError(f"a bound of the mean lies within {values.low:g} and {values.high:g}, not at {bound:g}")
        self.bound, self.size, self.values = bound, size, values
        self.n = 0
        self.total = 0.0
        self._rates = rates()
        self._capital: np.ndarray = np.zeros(GRID)
        self._impossible = False

    @property
    def log_e(self) -> float:
        """The ln of the e-value; infinite once the hypothesis is impossible."""
        return math.inf if self._impossible else log_mean(self._capital)

    def feed(self, value: float) -> None:
        """Take the next value. Raises ValueError for one out of the range, or if all were fed."""
        import numpy as np

        low, high = self.values.low, self.values.high
        if not low - ROUNDING <= value <= high + ROUNDING:
            raise ValueError(f"a value is from {low:g} to {high:g}, not {value:g}")
        bound = self._next_bound()
        self.n, self.total = self.n + 1, self.total + value
        if bound >= high:
            # True whatever comes: nothing to bet on
            return
        if bound <= low + ROUNDING:
            # It left room for the least value only
            self._impossible = self._impossible or value > bound + ROUNDING
            return
        self._capital = self._capital + np.log1p(self._rates * (max(low, value) - bound) / (bound - low))

    def _next_bound(self) -> float:
        """The largest mean of the values left under the hypothesis."""
        if self.size is None:
            return self.bound
        left = self.size - self.n
        if not left:
            raise ValueError(f"all {self.size} items were fed already")
        return (self.size * self.bound - self.total) / left


@dataclass(slots=True)
class MeanTest:
    """Is the mean at least (if `strict`, above) `bound`? Fed independent samples, or whole clusters of them.

    `size`: the mean over exactly so many samples, which are then fed one by one. `largest`: of how many samples the
    largest cluster is.
    """

    bound: float
    values: Range = SCORES
    size: int | None = None
    strict: bool = False
    largest: int = 1
    n: int = 0
    total: float = 0.0
    highest_against: float = 0.0
    highest_in_favour: float = 0.0
    _against: AtMost = field(init=False)
    _in_favour: AtMost = field(init=False)

    def __post_init__(self) -> None:
        """Raise ValueError as `AtMost` does, without a sample, or for exactly these samples in clusters."""
        if self.largest < 1 or (self.size is not None and (self.size < 1 or self.largest > 1)):
            raise ValueError("a mean is over one sample at least, and over exactly `size` samples one by one")
        if self.size is None and not self.values.low < self.bound < self.values.high:
            ends = f"{self.values.low:g} and {self.values.high:g}"
            raise ValueError(f"a bound of the mean lies within {ends}, not at {self.bound:g}")
        below = above = self.bound
        if self.size is not None and self.values.whole:
            # Not reached is at most one less
            above, below = self._needed / self.size, (self._needed - 1) / self.size
        self._against = AtMost(-above, self.size, self.values.mirrored)
        self._in_favour = AtMost(below, self.size, self.values)

    def feed(self, total: float, count: int = 1) -> None:
        """Take the sum of the next cluster's values and how many they are; one sample is a cluster of itself.

        Raises ValueError for a larger cluster than `largest`, and as `AtMost.feed` does.
        """
        if not 1 <= count <= self.largest:
            raise ValueError(f"a cluster has 1 to {self.largest} samples, not {count}")
        unit = total if self.largest == 1 else self.bound + (total - count * self.bound) / self.largest
        self._in_favour.feed(unit)
        self._against.feed(-unit)
        self.n, self.total = self.n + count, self.total + total
        self.highest_against = max(self.highest_against, self.log_against)
        self.highest_in_favour = max(self.highest_in_favour, self.log_for)

    @property
    def log_against(self) -> float:
        """The ln of the e-value against the statement now; infinite once it is certainly false."""
        return math.inf if self.certain == "refuted" else self._against.log_e

    @property
    def log_for(self) -> float:
        """The ln of the e-value against its opposite now; infinite once it is certainly true."""
        return math.inf if self.certain == "supported" else self._in_favour.log_e

    @property
    def certain(self) -> str:
        """`supported` or `refuted` once the samples left cannot change the answer; else empty."""
        if self.size is None:
            return ""
        left, needed = self.size - self.n, self._needed
        tiny = ROUNDING * self.size
        least, most = self.total + left * self.values.low, self.total + left * self.values.high
        if self.strict and not self.values.whole:
            return "supported" if least > needed + tiny else "refuted" if most <= needed + tiny else ""
        return "supported" if least >= needed - tiny else "refuted" if most < needed - tiny else ""

    @property
    def test(self) -> HypothesisTest:
        """The p-values so far; certainty overrides an e-process that was wrong."""
        if self.certain:
            return HypothesisTest(1.0, 0.0) if self.certain == "supported" else HypothesisTest(0.0, 1.0)
        return HypothesisTest(p_of(self.highest_against), p_of(self.highest_in_favour))

    def level(self, alpha: float, word: str) -> float:
        """The ln of the e-value that is enough at this error rate, whatever the word."""
        return -math.log(alpha)

    def finish(self) -> None:
        """Nothing: there is no test at the end."""

    @property
    def _needed(self) -> float:
        """The least sum that meets the statement (whole numbers), or that it is compared with."""
        exact = self.bound * (self.size or 1)
        if not self.values.whole:
            return exact
        return math.floor(exact + ROUNDING) + 1 if self.strict else math.ceil(exact - ROUNDING)


@dataclass(frozen=True, slots=True)
class Fed:
    """What a test was fed: the sum and the number of samples of each unit, the range, and as in `MeanTest`."""

    totals: tuple[float, ...]
    counts: tuple[int, ...]
    values: Range
    size: int | None = None
    largest: int = 1


def anytime_mean_interval(fed: Fed, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval of the mean that is valid at all stopping times at once (a confidence sequence).

    All means that neither e-process refutes at (1 - confidence) / 2 (Waudby-Smith and Ramdas 2024, theorem 1).
    """
    log_bar = math.log(2 / (1 - confidence))
    mirrored = Fed(tuple(-one for one in fed.totals), fed.counts, fed.values.mirrored, fed.size, fed.largest)
    return _least(fed, log_bar), -_least(mirrored, log_bar)


def _least(fed: Fed, log_bar: float) -> float:
    """The smallest bound that "the mean is at most it" is not refuted for."""
    import numpy as np

    totals, counts = np.array(fed.totals, dtype=float), np.array(fed.counts, dtype=float)
    bets, size, low = rates()[:, None], fed.size, fed.values.low
    before = np.cumsum(totals) - totals

    def refuted(bound: float) -> bool:
        units = totals if fed.largest == 1 else bound + (totals - counts * bound) / fed.largest
        bounds = np.full(len(units), bound)
        if size is not None:
            bounds = (size * bound - before) / (size - np.arange(len(units)))
            if bool(np.any((bounds <= low + ROUNDING) & (units > bounds + ROUNDING))):
                return True
        open_ = (bounds < fed.values.high) & (bounds > low + ROUNDING)
        odds = (units - bounds)[open_] / (bounds[open_] - low)
        return log_mean(np.log1p(bets * odds[None, :]).sum(axis=1)) >= log_bar

    total, left = float(totals.sum()), 0 if size is None else size - len(totals)
    # With `size` the mean cannot be below what the samples left allow
    least = low if size is None else (total + left * low) / size
    top = fed.values.high if size is None else (total + left * fed.values.high) / size
    high = top
    for _ in range(40):
        middle = (least + high) / 2
        least, high = (middle, high) if refuted(middle) else (least, middle)
    return min(least, top)


def rates() -> np.ndarray:
    """The rates of the bets, evenly within (0, 1)."""
    import numpy as np

    return np.asarray((np.arange(GRID) + 0.5) / GRID)


def log_mean(logs: np.ndarray) -> float:
    """The ln of the mean of exp(logs)."""
    import numpy as np

    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))


def p_of(log_e: float) -> float:
    """The p-value of the highest e-value so far (its inverse), from its ln."""
    return math.exp(-min(max(log_e, 0.0), 700.0))
