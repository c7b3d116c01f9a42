"""Exact intervals and p-values for a proportion, from k right answers of n.

Guarantees: Clopper-Pearson bounds and the p-values keep their error rate, whatever n and p. All take the samples as
independent: where samples share a group, use `intervals.mean_interval` instead. A function with `size` items and
`right` of them is about the score on exactly these items; the others are about the skill behind it (generalisation).

`scipy.stats` is not imported because that costs a second; the tests compare every function with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Tail = Literal["less", "greater"]


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided exact interval of a proportion with k of n right.

    Source: Clopper and Pearson 1934, Biometrika 26:404-413. Raises ValueError unless 0 <= k <= n and n >= 1.
    """
    one_sided = (1 + confidence) / 2
    return clopper_pearson_lower(k, n, one_sided), clopper_pearson_upper(k, n, one_sided)


def clopper_pearson_lower(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the one-sided exact lower bound: p is below it with error at most 1 - confidence."""
    from scipy.special import betaincinv

    _check(k, n)
    return float(betaincinv(k, n - k + 1, 1 - confidence)) if k else 0.0


def clopper_pearson_upper(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the one-sided exact upper bound: p is above it with error at most 1 - confidence."""
    _check(k, n)
    return 1 - clopper_pearson_lower(n - k, n, confidence)


def binomial_p_value(k: int, n: int, p0: float, tail: Tail) -> float:
    """Return P(X <= k) ("less": against p >= p0) or P(X >= k) ("greater": against p <= p0), X ~ Binomial(n, p0).

    The one-sided exact binomial test (Clopper and Pearson 1934). Raises ValueError unless 0 <= k <= n, n >= 1 and
    p0 is from 0 to 1.
    """
    _check(k, n)
    _check_share(p0)
    if tail == "greater":
        return binomial_p_value(n - k, n, 1 - p0, "less")
    from scipy.special import betainc

    return 1.0 if k == n else float(betainc(n - k, k + 1, 1 - p0))


def hypergeometric_p_value(drawn: tuple[int, int], right: int, size: int, tail: Tail) -> float:
    """Return the exact p-value of a claim about a benchmark's own score, from items drawn without replacement.

    `drawn` is (k, n): k right among n different items out of `size`, in random order. "less" is against
    "at least `right` of the `size` items are solved": P(X <= k), "greater" against "at most `right`": P(X >= k), with
    X hypergeometric. Source: Fisher 1935, J. R. Stat. Soc. 98:39-82. Raises ValueError for counts that cannot be.
    """
    k, n = drawn
    _check(k, n)
    if not 0 <= right <= size or n > size:
        raise ValueError(f"{right} right of {size} items, {n} drawn: such counts are impossible")
    if tail == "greater":
        return hypergeometric_p_value((n - k, n), size - right, size, "less")
    lowest = max(0, n - (size - right))
    if k < lowest:
        return 0.0
    if k >= min(n, right):
        return 1.0
    import numpy as np

    return min(1.0, math.fsum(np.exp(log_hypergeometric(np.arange(lowest, k + 1), n, right, size))))


def finite_interval(k: int, n: int, size: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided exact interval of the share of `size` items, of which n were drawn and k are right.

    All shares that neither one-sided test of `hypergeometric_p_value` refutes. Source: Buonaccorsi 1987, Am. Stat.
    41:215-218. Raises ValueError for counts that cannot be.
    """
    error = (1 - confidence) / 2
    low, high = k, size - (n - k)
    if n == size:
        return k / size, k / size
    least = _first(low, high, lambda right: hypergeometric_p_value((k, n), right, size, "greater") > error)
    beyond = _first(low, high + 1, lambda right: hypergeometric_p_value((k, n), right, size, "less") <= error)
    return least / size, (beyond - 1) / size


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number from low on at which it holds, as it does from there on; high if nowhere before."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def least_right(threshold: float, size: int) -> int:
    """Return the smallest count of right items whose share of `size` is at least the threshold.

    A threshold such as 0.85 is no exact float: within 1e-9 of a whole count it means that count.
    """
    _check_share(threshold)
    return max(0, math.ceil(threshold * size - 1e-9))


def log_hypergeometric(k: np.ndarray, n: int, right: int, size: int) -> np.ndarray:
    """Return ln P(X = k) of k right among n drawn, for an array of possible k, shape kept."""
    import numpy as np

    return np.asarray(log_choose(right, k) + log_choose(size - right, n - k) - log_choose(size, n))


def log_choose(n: np.ndarray | int, k: np.ndarray | int) -> np.ndarray:
    """Return ln C(n, k), elementwise; the caller ensures 0 <= k <= n."""
    import numpy as np
    from scipy.special import gammaln

    return np.asarray(gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n, k) + 1))


def _check(k: int, n: int) -> None:
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"k right of n needs n >= 1 and 0 <= k <= n, not k={k}, n={n}")


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a proportion lies between 0 and 1, not at {share}")
