"""Sequential tests of two models on the same samples, valid at any stopping time.

Each sample gives a difference: 1 (only the subject is right, a win), -1 (a loss) or 0 (a tie). The statement is about
the mean difference. An e-process starts at 1 and is expected never to grow if its hypothesis is true; by Ville's
inequality it reaches 1 / alpha with probability at most alpha, at any time. So p = 1 / (the highest e-value so far) may
be looked at after every sample.

Three e-processes against "the mean difference is at most b":

- samples drawn from a large pool, b = 0: the wins among the wins and losses, against a fair coin, mixed uniformly over
  its probability (`sequential.log_mixture`; Robbins 1970, Ann. Math. Statist. 41:1397-1409). Ties change nothing.
- the same with b other than 0: a bet on each sample, 1 + rate * (difference - b), which is never negative and has mean
  at most 1; the mean of GRID such capitals with fixed rates (diversified Kelly betting). Source: Waudby-Smith and
  Ramdas 2024, J. R. Stat. Soc. B 86:1-27, on capital processes of bounded means.
- exactly these `size` items, in random order: the same bets, where b is replaced before each item by the largest mean
  that the items left may have (without replacement; same source). The finite mixture of `sequential.BenchmarkTest`
  would need the number of wins and losses among all items, which is not known before the end.

Guarantees: a true statement is refuted with probability at most alpha, a false one supported with probability at most
alpha, whenever one stops. Needs samples in random order; for a large pool also independent ones. A pair with an
unscored side must not be fed: it is neither a win nor a loss.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from harness.stats.hypothesis import HypothesisTest
from harness.stats.relations import Gap
from harness.stats.sequential import log_mixture

if TYPE_CHECKING:
    import numpy as np

DIFFERENCES = (-1, 0, 1)
# Rates of betting, as shares of the largest that cannot lose all
GRID = 100
# Below this two sums of differences are one
ROUNDING = 1e-9


class AtMost:
    """The e-process against "the mean difference is at most `bound`", fed one difference at a time.

    `size`: of exactly so many items, without replacement.
    """

    def __init__(self, bound: float, size: int | None = None) -> None:
        """Raise ValueError for a bound outside (-1, 1) without a size: no sample could contradict it."""
        import numpy as np

        if size is None and not -1 < bound < 1:
            raise ValueError(f"a bound of the mean difference lies within -1 and 1, not at {bound}")
        self.bound, self.size = bound, size
        self.n = self.wins = self.losses = 0
        self._rates = (np.arange(GRID) + 0.5) / GRID
        self._capital: np.ndarray = np.zeros(GRID)
        self._impossible = False

    @property
    def log_e(self) -> float:
        """The ln of the e-value; infinite once the hypothesis is impossible."""
        if self._impossible:
            return math.inf
        if self.size is None and self.bound == 0:
            return log_mixture(self.losses, self.wins, 0.5)
        return _log_mean(self._capital)

    def feed(self, difference: int) -> None:
        """Take the next difference. Raises ValueError unless it is -1, 0 or 1, or if all items were fed."""
        import numpy as np

        if difference not in DIFFERENCES:
            raise ValueError(f"a paired difference is -1, 0 or 1, not {difference}")
        bound = self._next_bound()
        self.n, self.wins, self.losses = self.n + 1, self.wins + (difference > 0), self.losses + (difference < 0)
        if bound >= 1:
            # True whatever comes: nothing to bet on
            return
        if difference > bound and bound <= -1 + ROUNDING:
            # It left room for losses only
            self._impossible = True
            return
        if bound > -1 + ROUNDING:
            self._capital = self._capital + np.log1p(self._rates * (difference - bound) / (1 + bound))

    def _next_bound(self) -> float:
        """The largest mean of the items left under the hypothesis."""
        if self.size is None:
            return self.bound
        left = self.size - self.n
        if not left:
            raise ValueError(f"all {self.size} items were fed already")
        return (self.size * self.bound - (self.wins - self.losses)) / left


class OneSided:
    """Is the mean difference at least (if `strict`, above) `shift`? `size`: the mean over exactly so many items."""

    def __init__(self, shift: float, size: int | None = None, *, strict: bool = False) -> None:
        """Raise ValueError as `AtMost` does, or without an item."""
        self.size = size
        self.n = self.total = 0
        self.needed = 0
        if size is None:
            self._against, self._in_favour = AtMost(-shift), AtMost(shift)
        else:
            if size < 1:
                raise ValueError("a benchmark has at least one item")
            exact = shift * size
            self.needed = math.floor(exact + ROUNDING) + 1 if strict else math.ceil(exact - ROUNDING)
            # Not reached is at most one less
            self._against, self._in_favour = AtMost(-self.needed / size, size), AtMost((self.needed - 1) / size, size)
        self.highest_against = self.highest_in_favour = 0.0

    def feed(self, difference: int) -> None:
        """Take the next difference. Raises ValueError as `AtMost.feed` does."""
        self._in_favour.feed(difference)
        self._against.feed(-difference)
        self.n, self.total = self.n + 1, self.total + difference
        self.highest_against = max(self.highest_against, self._against.log_e)
        self.highest_in_favour = max(self.highest_in_favour, self._in_favour.log_e)

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
        """`supported` or `refuted` once the items left cannot change the answer; else empty."""
        if self.size is None:
            return ""
        left = self.size - self.n
        if self.total - left >= self.needed:
            return "supported"
        return "refuted" if self.total + left < self.needed else ""

    @property
    def test(self) -> HypothesisTest:
        """The p-values so far; certainty overrides an e-process that was wrong."""
        if self.certain:
            return HypothesisTest(1.0, 0.0) if self.certain == "supported" else HypothesisTest(0.0, 1.0)
        return HypothesisTest(_p(self.highest_against), _p(self.highest_in_favour))


class PairedTest:
    """A relation between two models' scores, sample by sample: above, below, or within a margin.

    `strict`: a mean difference exactly at the shift does not meet the relation (only `size` can tell).
    """

    def __init__(self, gap: Gap, size: int | None = None, *, strict: bool = False) -> None:
        """Raise ValueError for a ratio (`times`), or for a shift at or beyond -1 or 1."""
        if gap.times != 1:
            raise ValueError("a ratio of two scores has no sequential test here")
        self.gap, self.size = gap, size
        self.wins = self.losses = self.ties = 0
        self.differences: list[int] = []
        self.sides: tuple[tuple[int, OneSided], ...]
        if gap.within:
            self.sides = ((1, OneSided(-gap.margin, size)), (-1, OneSided(-gap.margin, size)))
        else:
            sign = 1 if gap.upward else -1
            self.sides = ((sign, OneSided(sign * gap.shift, size, strict=strict)),)

    @property
    def n(self) -> int:
        """Pairs fed."""
        return len(self.differences)

    @property
    def difference(self) -> float:
        """The mean difference so far; 0 without a pair."""
        return (self.wins - self.losses) / self.n if self.n else 0.0

    def feed(self, value: float, baseline: float) -> None:
        """Take the next sample's two values. Raises ValueError unless each is 0 or 1."""
        if value not in (0, 1) or baseline not in (0, 1):
            raise ValueError(f"this test is for values of 0 or 1, not {value} and {baseline}")
        difference = int(value) - int(baseline)
        for sign, side in self.sides:
            side.feed(sign * difference)
        self.differences.append(difference)
        self.wins, self.losses = self.wins + (difference > 0), self.losses + (difference < 0)
        self.ties += difference == 0

    @property
    def certain(self) -> str:
        """`supported` or `refuted` once the items left cannot change the answer; else empty."""
        words = [side.certain for _, side in self.sides]
        if "refuted" in words:
            return "refuted"
        return "supported" if all(words) else ""

    @property
    def test(self) -> HypothesisTest:
        """The p-values so far. `within` must hold at both ends, each at alpha; beyond one or the other: two tests."""
        if self.certain:
            return HypothesisTest(1.0, 0.0) if self.certain == "supported" else HypothesisTest(0.0, 1.0)
        tests = [side.test for _, side in self.sides]
        return HypothesisTest(
            min(1.0, len(tests) * min(test.p_against for test in tests)), max(test.p_for for test in tests)
        )

    @property
    def log_against(self) -> float:
        """The ln of the e-value against the relation now. `within`: of the better end, halved for two tests."""
        return max(side.log_against for _, side in self.sides) - math.log(len(self.sides))

    @property
    def log_for(self) -> float:
        """The ln of the e-value for the relation now. `within`: of the worse end, each at its highest so far.

        Both ends must be shown, each at a time of its own.
        """
        if self.certain == "supported":
            return math.inf
        if len(self.sides) == 1:
            return self.sides[0][1].log_for
        return min(side.highest_in_favour for _, side in self.sides)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return an interval of the mean difference that is valid at all stopping times at once.

        All means that neither e-process refutes at (1 - confidence) / 2 (Waudby-Smith and Ramdas 2024).
        """
        log_bar = math.log(2 / (1 - confidence))
        high = -_least([-one for one in self.differences], self.size, log_bar)
        return _least(self.differences, self.size, log_bar), high


def _least(differences: list[int], size: int | None, log_bar: float) -> float:
    """The smallest bound that "the mean is at most it" is not refuted for."""
    import numpy as np

    seen = np.array(differences, dtype=float)
    rates = (np.arange(GRID) + 0.5) / GRID
    before = np.concatenate([[0.0], np.cumsum(seen)[:-1]]) if len(seen) else seen

    def refuted(bound: float) -> bool:
        bounds = np.full(len(seen), bound)
        if size is not None:
            bounds = (size * bound - before) / (size - np.arange(len(seen)))
            if bool(np.any((bounds <= -1 + ROUNDING) & (seen > bounds))):
                return True
        open_ = (bounds < 1) & (bounds > -1 + ROUNDING)
        bets = np.log1p(rates[:, None] * ((seen - bounds)[open_] / (1 + bounds[open_]))[None, :])
        return _log_mean(bets.sum(axis=1)) >= log_bar

    total = float(seen.sum())
    # With `size` the mean cannot be below what the items left allow
    low = -1.0 if size is None else (total - (size - len(seen))) / size
    top = 1.0 if size is None else (total + (size - len(seen))) / size
    high = top
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return min(low, top)


def _log_mean(logs: np.ndarray) -> float:
    """The ln of the mean of exp(logs)."""
    import numpy as np

    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))


def _p(highest: float) -> float:
    return math.exp(-min(highest, 700.0))
