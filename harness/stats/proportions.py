"""What k right answers of n say about a proportion: exact intervals, exact p-values, posterior probabilities.

Guarantees: Clopper-Pearson bounds and the p-values err at most as often as they say, whatever n and p. Jeffreys
bounds and posteriors are calibrated on average over their prior, not at every p. All take the samples as
independent: where samples share a group, use `intervals.mean_interval` instead. A function that speaks of `size`
items and `right` of them is about the score on exactly these items; the others are about the skill behind it.

`scipy.stats` is left alone because importing it costs a second; the tests hold every function to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

Tail = Literal["less", "greater"]
Prior = Literal["uniform", "jeffreys"]


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


def jeffreys(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the equal-tailed posterior interval under the prior Beta(1/2, 1/2).

    The lower bound is 0 at k = 0 and the upper 1 at k = n. Source: Brown, Cai and DasGupta 2001, Statist. Sci.
    16:101-133. Raises ValueError unless 0 <= k <= n and n >= 1.
    """
    one_sided = (1 + confidence) / 2
    return jeffreys_lower(k, n, one_sided), jeffreys_upper(k, n, one_sided)


def jeffreys_lower(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the posterior quantile below which p lies with probability 1 - confidence; 0 at k = 0."""
    from scipy.special import betaincinv

    _check(k, n)
    return float(betaincinv(k + 0.5, n - k + 0.5, 1 - confidence)) if k else 0.0


def jeffreys_upper(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the posterior quantile above which p lies with probability 1 - confidence; 1 at k = n."""
    return 1 - jeffreys_lower(n - k, n, confidence)


def posterior_at_least(k: int, n: int, threshold: float, prior: Prior = "uniform") -> float:
    """Return P(p >= threshold | k of n right) under a Beta prior.

    Source: Bowyer et al. 2025, arXiv 2503.01747. Raises ValueError unless 0 <= k <= n, n >= 1 and threshold is
    from 0 to 1.
    """
    from scipy.special import betainc

    _check(k, n)
    _check_share(threshold)
    right, wrong = _posterior(k, n, prior)
    # The upper tail by its mirror: 1 - x would lose a small probability
    return float(betainc(wrong, right, 1 - threshold))


def posterior_greater(first: tuple[int, int], second: tuple[int, int], prior: Prior = "uniform") -> float:
    """Return P(p_first > p_second), each given as (k, n), for unpaired samples and independent priors.

    The mean of second's posterior distribution function over first's posterior, by quadrature to about 1e-9.
    Source: Bowyer et al. 2025, arXiv 2503.01747. Raises ValueError as `posterior_at_least` does.
    """
    from scipy.integrate import quad
    from scipy.special import betainc, betaincinv

    for k, n in (first, second):
        _check(k, n)
    one, other = _posterior(*first, prior), _posterior(*second, prior)
    value, _ = quad(lambda u: betainc(*other, betaincinv(*one, u)), 0, 1, epsabs=1e-10, limit=500)
    return min(1.0, max(0.0, float(value)))


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
        raise ValueError(f"{right} right of {size} items, {n} drawn: such a benchmark cannot be")
    if tail == "greater":
        return hypergeometric_p_value((n - k, n), size - right, size, "less")
    lowest = max(0, n - (size - right))
    if k < lowest:
        return 0.0
    if k >= min(n, right):
        return 1.0
    import numpy as np

    return min(1.0, math.fsum(np.exp(log_hypergeometric(np.arange(lowest, k + 1), n, right, size))))


def fisher_p_value(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Return the two-sided exact p-value of equal proportions in two unpaired samples, each (k, n).

    Sums the probabilities of all tables with these margins that are no likelier than the one seen. For the same
    items asked of two models use `paired.mcnemar`. Source: Fisher 1935, J. R. Stat. Soc. 98:39-82.
    """
    import numpy as np

    for k, n in (first, second):
        _check(k, n)
    (k, n), right, size = first, first[0] + second[0], first[1] + second[1]
    seen = np.arange(max(0, n - (size - right)), min(n, right) + 1)
    chances = np.exp(log_hypergeometric(seen, n, right, size))
    observed = chances[k - seen[0]]
    # Equal probabilities differ by rounding
    return min(1.0, math.fsum(chances[chances <= observed * (1 + 1e-9)]))


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
    """Return ln C(n, k), elementwise; 0 <= k <= n is the caller's to see to."""
    import numpy as np
    from scipy.special import gammaln

    return np.asarray(gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n, k) + 1))


def _posterior(k: int, n: int, prior: Prior) -> tuple[float, float]:
    added = {"uniform": 1.0, "jeffreys": 0.5}.get(prior)
    if added is None:
        raise ValueError(f"the prior is uniform or jeffreys, not {prior!r}")
    return k + added, n - k + added


def _check(k: int, n: int) -> None:
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"k right of n needs n >= 1 and 0 <= k <= n, not k={k}, n={n}")


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a proportion lies between 0 and 1, not at {share}")
