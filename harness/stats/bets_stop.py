"""Where sequential tests by bets (`bets`) stop under an assumed truth: WALKS simulated runs with a fixed seed.

Each simulated run is fed to the same e-processes, after every sample or group, with RATES rates in place of
`bets.GRID`. The median of WALKS runs is right to about a tenth. Values are drawn from Beta distributions with the
assumed mean and standard deviation (0 and 1 where the deviation is the largest that the mean allows); values of one
group share a mean that is itself drawn from one, so that their intra-cluster correlation is the assumed one. Bets grow
with mean and variance, so that the shape in between hardly matters. The items of a benchmark are the quantiles of that
distribution, in random orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.bets import ROUNDING, SCORES, Range

if TYPE_CHECKING:
    import numpy as np

WALKS, RATES, SEED = 200, 25, 0
# Units that are computed at once
BLOCK = 64
# A test that was not decided
NEVER = 2**60
# The most that a bet wins at once; more would only overflow
MOST_ODDS = 1e3


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of samples that are drawn whole: how many samples they have on average, and the largest."""

    mean: float
    largest: int

    def __post_init__(self) -> None:
        """Raise ValueError for impossible sizes."""
        if not 1 <= self.mean <= self.largest:
            raise ValueError(f"groups have 1 to {self.largest} samples, not {self.mean:g} on average")


@dataclass(frozen=True, slots=True)
class Population:
    """What is assumed of the samples: mean and standard deviation of one value, and how alike a group's are.

    `icc`: the intra-cluster correlation, from 0 (independent) to 1 (all alike). A larger deviation than the mean allows
    is replaced by the largest one.
    """

    mean: float
    deviation: float
    values: Range = SCORES
    groups: Groups | None = None
    icc: float = 0.0


@dataclass(frozen=True, slots=True)
class Walks:
    """Simulated runs, one a row: sum and number of the samples of each unit in order; `size` items, None for a pool."""

    totals: np.ndarray
    counts: np.ndarray
    values: Range
    size: int | None = None
    largest: int = 1

    @property
    def mirrored(self) -> Walks:
        """The same with opposite signs."""
        return Walks(-self.totals, self.counts, self.values.mirrored, self.size, self.largest)


@dataclass(frozen=True, slots=True)
class Within:
    """The statement "the mean is from `low` to `high`"; with one of them None only the other end counts."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class BetsStop:
    """Samples after which half and 80 % of the runs have ended, their mean, and how often each word ended them."""

    half: int
    most: int
    mean: float
    refuted: float
    supported: float


def walks_of(population: Population, n: int, *, of_items: bool) -> Walks:
    """Draw runs over n samples. `of_items`: these are exactly the samples that the statement is about, without groups.

    Raises ValueError for a mean outside the range, or a correlation outside [0, 1].
    """
    import numpy as np

    low, width = population.values.low, population.values.high - population.values.low
    share = (population.mean - low) / width
    if not 0 <= share <= 1 or not 0 <= population.icc <= 1:
        raise ValueError(f"no such population: {population}")
    draw = np.random.default_rng(SEED)
    most = share * (1 - share)
    part = min(1.0, (population.deviation / width) ** 2 / most) if most else 1.0
    if of_items:
        values = low + width * _items(share, part, n)
        orders = draw.permuted(np.tile(values, (WALKS, 1)), axis=1)
        return Walks(orders, np.ones((WALKS, n)), population.values, n)
    groups = population.groups
    if groups is None or groups.largest == 1:
        values = _drawn(np.full((WALKS, n), share), part, draw)
        return Walks(low + width * values, np.ones((WALKS, n)), population.values)
    counts = _sizes(groups, n, draw)
    centres = _drawn(np.full(counts.shape, share), population.icc * part, draw)
    # What is left of the variance once the groups have their share of it
    inner = (1 - population.icc) * part / max(1e-12, 1 - population.icc * part)
    totals = np.zeros(counts.shape)
    for place in range(groups.largest):
        totals += np.where(counts > place, low + width * _drawn(centres, inner, draw), 0.0)
    return Walks(totals, counts, population.values, None, groups.largest)


def bets_stop(walks: Walks, statement: Within, refuting: float, supporting: float, least: int = 1) -> BetsStop:
    """Where the test of a statement ends; `refuting` and `supporting` are its error rates.

    A verdict waits for `least` samples. With two ends both must be shown, and either can be refuted, at half the error
    rate each.
    """
    import numpy as np

    n = walks.totals.shape[1]
    ends = [(walks, walks.mirrored, statement.low)] if statement.low is not None else []
    ends += [(walks.mirrored, walks, -statement.high)] if statement.high is not None else []
    ended = np.full(len(walks.totals), n)
    shown = np.max([_crossing(above, bound, 1 / supporting, ended) for above, _, bound in ends], axis=0)
    # The other word needs to be followed only up to there
    until = np.minimum(shown, ended)
    beyond = np.min([_crossing(below, -bound, len(ends) / refuting, until) for _, below, bound in ends], axis=0)
    stops = np.minimum(shown, beyond)
    fed = np.cumsum(walks.counts, axis=1)
    at = np.minimum(stops, n) - 1
    used = np.maximum(fed[np.arange(len(at)), at], min(least, int(fed[:, -1].max())))
    ordered = np.sort(used)
    return BetsStop(
        int(ordered[len(ordered) // 2 - 1]),
        int(ordered[4 * len(ordered) // 5 - 1]),
        float(used.mean()),
        float(np.mean((beyond <= shown) & (beyond < NEVER))),
        float(np.mean(shown < beyond)),
    )


def _crossing(walks: Walks, bound: float, enough: float, until: np.ndarray) -> np.ndarray:
    """How many units "the mean is at most `bound`" takes to be refuted in each run; NEVER where `until` comes first."""
    import numpy as np

    rates = (np.arange(RATES) + 0.5) / RATES
    low, high, size = walks.values.low, walks.values.high, walks.size
    found = np.full(len(walks.totals), NEVER)
    active = np.arange(len(walks.totals))
    capital = np.ones((len(active), RATES))
    fed = np.zeros(len(active))
    for start in range(0, walks.totals.shape[1], BLOCK):
        totals, counts = walks.totals[active, start : start + BLOCK], walks.counts[active, start : start + BLOCK]
        units = totals if walks.largest == 1 else bound + (totals - counts * bound) / walks.largest
        sums = fed[:, None] + np.cumsum(totals, axis=1)
        if size is None:
            bounds, certain = np.full(units.shape, bound), np.zeros(units.shape, dtype=bool)
        else:
            left = size - start - np.arange(units.shape[1])
            bounds = (size * bound - (sums - totals)) / left
            # The items left cannot bring the mean down to the bound
            certain = sums + (left - 1) * low > size * bound + ROUNDING * size
        open_ = (bounds > low + ROUNDING) & (bounds < high)
        odds = np.where(open_, (units - bounds) / np.where(open_, bounds - low, 1.0), 0.0)
        grown = np.cumprod(1 + rates * np.minimum(odds, MOST_ODDS)[:, :, None], axis=1)
        wealth = capital[:, None, :] * grown
        reached = (wealth.mean(axis=2) >= enough) | certain
        place = np.where(reached.any(axis=1), start + reached.argmax(axis=1) + 1, NEVER)
        found[active] = np.where(place <= until[active], place, NEVER)
        going = (place == NEVER) & (until[active] > start + units.shape[1])
        active, capital, fed = active[going], wealth[going, -1], sums[going, -1]
        if not len(active):
            break
    return found


def _drawn(centres: np.ndarray, part: float, draw: np.random.Generator) -> np.ndarray:
    """Values from 0 to 1 with these means, and this part of the largest variance that they allow."""
    import numpy as np

    if part >= 1 - ROUNDING:
        return np.asarray((draw.random(centres.shape) < centres).astype(float))
    if part <= ROUNDING:
        return centres
    inside = np.clip(centres, 1e-6, 1 - 1e-6)
    return np.asarray(draw.beta(inside * (1 - part) / part, (1 - inside) * (1 - part) / part))


def _items(share: float, part: float, n: int) -> np.ndarray:
    """As many values from 0 to 1, with exactly this mean, and this part of the largest variance."""
    import numpy as np
    from scipy.special import betaincinv

    if part >= 1 - ROUNDING:
        return np.asarray((np.arange(n) < round(share * n)).astype(float))
    if part <= ROUNDING or not 0 < share < 1:
        return np.full(n, share)
    even = (np.arange(n) + 0.5) / n
    values = betaincinv(share * (1 - part) / part, (1 - share) * (1 - part) / part, even)
    mean = float(values.mean())
    return np.asarray(values * share / mean if mean > share else 1 - (1 - values) * (1 - share) / (1 - mean))


def _sizes(groups: Groups, n: int, draw: np.random.Generator) -> np.ndarray:
    """Sizes of groups until n samples are drawn; 0 where a run has fewer groups than the others.

    Of all distributions from 1 to the largest with this mean the most even one (with the largest entropy).
    """
    import numpy as np

    sizes = np.arange(1, groups.largest + 1)

    def weights(tilt: float) -> np.ndarray:
        logs = tilt * sizes
        raw = np.exp(logs - logs.max())
        return np.asarray(raw / raw.sum())

    tilt = _root(lambda one: float(weights(one) @ sizes) - groups.mean, -40.0, 40.0)
    several = draw.choice(sizes, (WALKS, int(1.2 * n / groups.mean) + 20), p=weights(tilt)).astype(float)
    before = np.cumsum(several, axis=1) - several
    kept = np.where(before < n, np.minimum(several, n - before), 0.0)
    return np.asarray(kept[:, : int((kept > 0).sum(axis=1).max())])


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
