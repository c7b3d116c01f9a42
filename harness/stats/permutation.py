"""Permutation tests of an order, and the one-sided sign-flip test: what the probes of a model rest on.

Guarantees: the p-values of `neighbour_test` and `lag_test` are valid for any number of draws (the observed order counts
as one of them: Phipson and Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9:39), that of `sign_flip_greater` is exact. The
same seed gives the same p. What has to be exchangeable is the caller's affair: rows for the first two, the two arms
of a pair for the third.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from harness.stats.intervals import normal_quantile

if TYPE_CHECKING:
    import numpy as np

DRAWS = 99_999
LAG_DRAWS = 1_999
# 8! orders of a block are listed once; the blocks of the order test are no larger
LARGEST_BLOCK = 8
# Sums of the same numbers in another order differ by rounding, and must count as equal
ROUNDING = 1e-9
# Numbers of a pass of `lag_test`: bounds its memory
CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class NeighbourTest:
    """How much more likely rows are behind their predecessor than behind another row of their block.

    `gain` in nats per pair, above what a random order has; `spread`: the standard deviation of `gain` over random
    orders; `pairs` of neighbours; `p_value` one-sided; `least_gain`: what would be found with 80 % power at
    `level` (normal approximation).
    """

    gain: float
    spread: float
    p_value: float
    pairs: int
    least_gain: float


def neighbour_test(blocks: Sequence[np.ndarray], seed: int, draws: int = DRAWS, level: float = 0.05) -> NeighbourTest:
    """Test whether the order of the rows is one that the scores prefer.

    Each block is a square matrix [from, to] over rows in their order: the log-likelihood of row `to` behind row `from`
    (the diagonal is not read). The statistic is the sum over neighbours (i, i + 1) of the matrix after the means of its
    rows and columns off the diagonal are taken away. Its null distribution is that of uniformly drawn orders within
    each block, all blocks at once, so exchangeability within blocks is enough. A form of the order test of Oren et al.
    2023, arXiv 2310.17623, in which a row's likelihood depends on the row before it alone, so that all orders follow
    from the pairs. Raises ValueError without a block of two rows, or with one of more than 8.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    observed, pairs, variance = 0.0, 0, 0.0
    null = np.zeros(draws)
    for block in blocks:
        size = len(block)
        if not 2 <= size <= LARGEST_BLOCK or block.shape != (size, size):
            raise ValueError(f"a block has 2 to {LARGEST_BLOCK} rows and as many columns, not {block.shape}")
        centred = _centred(block)
        orders = _orders(size)
        sums = centred[orders[:, :-1], orders[:, 1:]].sum(axis=1)
        sums -= sums.mean()
        # The first of the permutations is the order itself
        observed += float(sums[0])
        variance += float(sums.var())
        null += sums[rng.integers(len(sums), size=draws)]
        pairs += size - 1
    if not pairs:
        raise ValueError("an order test needs a block of two rows")
    spread = float(np.sqrt(variance)) / pairs
    reached = int((null >= observed - ROUNDING).sum())
    least = (normal_quantile(1 - 2 * level) + normal_quantile(0.60)) * spread
    return NeighbourTest(observed / pairs, spread, (1 + reached) / (1 + draws), pairs, least)


@cache
def _orders(size: int) -> np.ndarray:
    """All orders of so many rows, [size!, size], the identity first."""
    import numpy as np

    return np.array(list(itertools.permutations(range(size))), dtype=np.int8)


def _centred(block: np.ndarray) -> np.ndarray:
    """The matrix without the means of its rows and columns off the diagonal, which is 0."""
    import numpy as np

    others = ~np.eye(len(block), dtype=bool)
    values = np.where(others, block, 0.0)
    count = len(block) - 1
    rows, columns = values.sum(axis=1) / count, values.sum(axis=0) / count
    return np.where(others, block - rows[:, None] - columns[None, :], 0.0)


def sign_flip_greater(differences: Sequence[int]) -> float:
    """Return the exact one-sided p-value of a sum of whole differences, one per cluster, under random signs.

    P(sum of s_i d_i >= sum of d_i) with independent fair signs, by convolution. With differences -1, 0, 1 this is
    McNemar's exact one-sided test. 1 where all are 0. Source: Fisher 1935, The Design of Experiments, section 21.
    """
    import numpy as np

    moved = [abs(value) for value in differences if value]
    if not moved:
        return 1.0
    chances = np.ones(1)
    for size in moved:
        wider = np.zeros(len(chances) + size)
        wider[: len(chances)] += chances / 2
        wider[size:] += chances / 2
        chances = wider
    # chances[k]: the differences with a plus add up to k
    least = (sum(moved) + sum(differences)) // 2
    return min(1.0, float(chances[least:].sum()))


@dataclass(frozen=True, slots=True)
class LagTest:
    """Which of several features of rows neighbours share most, and the p-value of the largest over all features."""

    feature: int
    p_value: float


def lag_test(
    values: Sequence[np.ndarray], likeness: Sequence[np.ndarray], seed: int, draws: int = LAG_DRAWS
) -> LagTest:
    """Test whether rows are exchangeable in their order, as far as some features show it.

    `values`: arrays [n] of numbers, of which the sum of products of neighbours is taken (lag-1 autocorrelation) and the
    sum of products with the place (a trend); `likeness`: symmetric matrices [n, n], of which the sum over neighbours is
    taken. Each sum is compared with those of random orders of all rows, and the largest |z| of all is the statistic:
    the max-T permutation test of Westfall and Young 1993, exact for the family. `feature` counts the values first (each
    once), then the matrices. Raises ValueError below three rows, or without features.
    """
    import numpy as np

    every = [*values, *likeness]
    if not every or len(every[0]) < 3:
        raise ValueError("a test of an order needs three rows and a feature")
    n = len(every[0])
    rng = np.random.default_rng(seed)
    centred = [np.asarray(one, dtype=float) - np.mean(one) for one in values]
    place = np.arange(n) - (n - 1) / 2
    sums: list[np.ndarray] = []
    for begin in range(0, draws + 1, most := max(1, CELLS // n)):
        count = min(most, draws + 1 - begin)
        orders = rng.permuted(np.tile(np.arange(n), (count, 1)), axis=1)
        if begin == 0:
            orders[0] = np.arange(n)
        left, right = orders[:, :-1], orders[:, 1:]
        part = [(one[left] * one[right]).sum(axis=1) for one in centred]
        part += [one[orders] @ place for one in centred]
        part += [matrix[left, right].sum(axis=1) for matrix in likeness]
        sums.append(np.stack(part))
    table = np.concatenate(sums, axis=1)
    scale = table.std(axis=1, keepdims=True)
    table = np.abs(table - table.mean(axis=1, keepdims=True)) / np.where(scale > ROUNDING, scale, np.inf)
    largest = table.max(axis=0)
    best, count = int(table[:, 0].argmax()), len(centred)
    feature = best % count if best < 2 * count else best - count
    return LagTest(feature, float((largest >= largest[0] - ROUNDING).mean()))
