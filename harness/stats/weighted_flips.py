"""The sign-flip test of a sum of many weighted differences, such as those of all tasks of a suite.

The sums of one task with answers right or wrong have few different sizes, so that the number of those with a sign is
binomial: a draw costs one number per size instead of one per sample.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from harness.stats.paired import DRAWS, MOST_EXACT, sign_flip

# With more different sizes than this no single one matters, and the sum of the flipped signs is normal
MOST_SIZES = 400


def weighted_sign_flip(sums: Sequence[float], *, seed: int = 0, draws: int = DRAWS) -> float:
    """Return the two-sided p-value of "every sign could as well be the other"; statistic: |sum|.

    `sums`: one number per independent unit (a cluster's weighted sum of differences). As `paired.sign_flip`: exact
    up to 20 sums that are not 0, from `draws` draws beyond; with over 400 different sizes by the normal distribution
    with the variance of the flips. Raises ValueError for no or non-finite sums.
    """
    import numpy as np

    if not sums or not all(map(math.isfinite, sums)):
        raise ValueError("a permutation test needs at least one difference, all finite")
    largest = max(map(abs, sums))
    moving = [value for value in sums if abs(value) > 1e-12 * largest]
    if len(moving) <= MOST_EXACT:
        return sign_flip(moving or [0.0])
    seen = abs(math.fsum(moving))
    # Sizes that differ only by rounding are one
    sizes = Counter(float(f"{abs(value):.12g}") for value in moving)
    if len(sizes) > MOST_SIZES:
        return math.erfc(seen / math.sqrt(2 * math.fsum(value * value for value in moving)))
    generator = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for size, count in sizes.items():
        totals += size * (2.0 * generator.binomial(count, 0.5, draws) - count)
    hits = int(np.sum(np.abs(totals) >= seen - 1e-9 * math.fsum(map(abs, moving))))
    return (hits + 1) / (draws + 1)
