"""A sequential test of how many of exactly these items are right, with the items' difficulty as a control variate.

Each item has a known figure d, such as the share of other models that solved it. Items are drawn in random order, and
the mean of d over the items left is known exactly; so how easy the items drawn so far were is known, too, and the part
of chance in it is taken out. Against "at least K of N are right" one bets on every item:

    capital *= 1 + bet * (m - x + slope * (d - D)),  m = (K - right so far) / items left,  D = mean d of the items left

Why it is valid whatever d is: bet, slope, m and D are fixed before the item is drawn. In random order the mean of d is
D, and the mean of x is the share of right ones among the items left, which is m if exactly K are right, and more than m
if more are. So the capital's expectation does not grow (bet >= 0), it is never negative (bets are capped), and by
Ville's inequality it ever reaches 1 / alpha with probability at most alpha. Figures that are wrong, shuffled or chosen
by an adversary before the order is drawn cost samples, never error. For other items than these D is not known: there
is no such test of a skill.

The slope is that of least squares on the items so far, begun as if PRIOR items had shown the expected one. The capital
is a mean of EFFECTS capitals, each of which bets as if the true share were so far below K / N; with a difference that
stays, the mean of the items left moves away from m by N / left, and the bets grow with it. What an item may take is
capped, and a slope lowers the cap: capitals for large differences, which want the largest bets and need few items, keep
half of the slope and the rest only as far as their bet allows.

Sources: Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1-27 (bets without replacement); Waudby-Smith, Stark and
Ramdas 2021, NeurIPS 34, arXiv:2107.11323 (known figures of the items as a control in a risk-limiting audit); Lavenberg
and Welch 1981, Manage. Sci. 27:322-335 (control variates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Differences of the share that are bet on: so many, evenly in the logarithm, from LEAST / sqrt(N) to MOST
EFFECTS, LEAST, MOST = 12, 0.9, 0.8
# The expected slope counts as so many items
PRIOR = 20
STEEPEST = 1.2
# From this difference on a capital gives up some of the slope
LARGE = 0.2
# No item may take more of a capital, for small differences and for large ones
LOSS, LOSS_OF_LARGE = 0.8, 0.9
# The share of an answer's variance that difficulty is never taken to explain, and the least variance
UNEXPLAINED, LEAST_VARIANCE = 0.4, 1e-4


@dataclass(frozen=True, slots=True)
class Difficulties:
    """What is known of the items: how many, the sum, variance and range of their figures; and the expected `slope`."""

    size: int
    total: float
    variance: float
    least: float
    most: float
    slope: float

    @property
    def mirrored(self) -> Difficulties:
        """The same with right and wrong exchanged: each figure is 1 - d."""
        return Difficulties(self.size, self.size - self.total, self.variance, 1 - self.most, 1 - self.least, self.slope)


def known_of(figures: Sequence[float], slope: float) -> Difficulties:
    """Sum up the figures of all items. Raises ValueError for none, or for one that is no number."""
    import numpy as np

    values = np.asarray(figures, dtype=float)
    if not len(values) or not bool(np.isfinite(values).all()):
        raise ValueError("each item needs a finite figure, and there must be one item at least")
    return Difficulties(
        len(values), float(values.sum()), float(values.var()), float(values.min()), float(values.max()), slope
    )


class CountTest:
    """Are at least `needed` of exactly these items right? Both e-processes of one sequence of items."""

    def __init__(self, known: Difficulties, needed: int) -> None:
        """Raise ValueError unless 1 <= needed <= size: else the size alone answers it."""
        import numpy as np

        if not 1 <= needed <= known.size:
            raise ValueError(f"{needed} of {known.size} items is no threshold that can be missed and met")
        self._against = AtLeast(known, np.array([needed]))
        self._in_favour = AtLeast(known.mirrored, np.array([known.size - needed + 1]))

    def feed(self, x: float | None, d: float) -> None:
        """Take the next item: its answer, 0 or 1, and its figure. Raises ValueError if all were fed.

        An answer that is not known (None) counts as right in the evidence against it and as wrong in that for it.
        """
        import numpy as np

        self._against.feed(np.array([1.0 if x is None else x]), np.array([d]))
        self._in_favour.feed(np.array([1.0 if x is None else 1 - x]), np.array([1 - d]))

    @property
    def log_against(self) -> float:
        """The ln of the e-value against it; infinite once it is certainly false."""
        return float(self._against.log_e[0])

    @property
    def log_for(self) -> float:
        """The ln of the e-value against its opposite; infinite once it is certainly true."""
        return float(self._in_favour.log_e[0])


class AtLeast:
    """E-processes against "at least `needed` items are right", one of each row; all rows take an item at once.

    Without `aim` each row bets for its own `needed`. With `aim` (one number) the rows are hypotheses on one sequence of
    items: they share the bets that suit `aim`, capped for each, so that of the hypotheses above `aim` a higher one is
    never refuted later.
    """

    def __init__(self, known: Difficulties, needed: np.ndarray, aim: int | None = None) -> None:
        """`needed`: shape (rows,)."""
        import numpy as np

        self.known, self.needed = known, np.asarray(needed, dtype=float)
        self._aim = self.needed if aim is None else np.array([float(aim)])
        rows = len(self._aim)
        self._effects = np.geomspace(min(LEAST / math.sqrt(known.size), MOST), MOST, EFFECTS)
        self._large = self._effects >= LARGE
        self._loss = np.where(self._large, LOSS_OF_LARGE, LOSS)
        self.n = 0
        self._right, self._left = np.zeros(rows), np.full(rows, known.total)
        # Sums over the items so far: d, d * d, x * d
        self._d, self._dd, self._xd = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self._capital = np.zeros((len(self.needed), EFFECTS))

    @property
    def log_e(self) -> np.ndarray:
        """The ln of each row's e-value, shape (rows,); infinite where fewer items are left than would be needed."""
        import numpy as np

        top = self._capital.max(axis=1)
        logs = top + np.log(np.exp(self._capital - top[:, None]).mean(axis=1))
        return np.where(self._right + (self.known.size - self.n) < self.needed - 0.5, math.inf, logs)

    def feed(self, x: np.ndarray, d: np.ndarray) -> None:
        """Take the next item of each row: its answer, 0 or 1, and its figure, shape (rows,), with `aim` (1,).

        Raises ValueError if all were fed.
        """
        import numpy as np

        left = self.known.size - self.n
        if not left:
            raise ValueError(f"all {self.known.size} items were fed already")
        mean, aimed, share = self._left / left, (self._aim - self._right) / left, (self.needed - self._right) / left
        slope, room = self._slope(), np.maximum(mean - self.known.least, 1e-9)
        bets = self._effects * (self.known.size / left) / self._variance(slope, aimed)[:, None]
        slopes = np.broadcast_to(slope[:, None], bets.shape)
        allowed = np.clip((self._loss / bets - (1 - aimed)[:, None]) / room[:, None], 0.0, slopes)
        slopes = np.where(self._large, (slopes + allowed) / 2, slopes)
        worst = np.maximum((1 - share)[:, None] + slopes * room[:, None], 1e-9)
        # A share of 0 is true whatever comes: nothing to bet on
        bets = np.where((share > 0)[:, None], np.minimum(bets, self._loss / worst), 0.0)
        self._capital = self._capital + np.log1p(bets * ((share - x)[:, None] + slopes * (d - mean)[:, None]))
        self.n += 1
        self._right, self._left = self._right + x, self._left - d
        self._d, self._dd, self._xd = self._d + d, self._dd + d * d, self._xd + x * d

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these rows only (a mask); not with `aim`."""
        for name in ("needed", "_aim", "_right", "_left", "_d", "_dd", "_xd", "_capital"):
            setattr(self, name, getattr(self, name)[rows])

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """The sums of products, of x and d and of d alone, about their means, with the expected ones of PRIOR items."""
        n, prior = max(self.n, 1), PRIOR * self.known.variance
        return prior * self.known.slope + self._xd - self._right * self._d / n, prior + self._dd - self._d**2 / n

    def _slope(self) -> np.ndarray:
        import numpy as np

        shared, alone = self._moments()
        return np.asarray(np.clip(shared / (alone + 1e-9), 0.0, STEEPEST))

    def _variance(self, slope: np.ndarray, share: np.ndarray) -> np.ndarray:
        """What the control leaves of an answer's variance, if this share of the items left is right."""
        import numpy as np

        shared, alone = self._moments()
        within = np.clip(share, 0.01, 0.99)
        whole = within * (1 - within)
        explained = (2 * slope * shared - slope**2 * alone) / (PRIOR + self.n)
        return np.asarray(np.maximum(whole - explained, UNEXPLAINED * whole + LEAST_VARIANCE))
