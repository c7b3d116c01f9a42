"""The chance that at least so many of k answers are right, estimated from n answers of which c are.

Guarantees the unbiased estimator, exact in whole numbers until one division; it knows no sample and no scorer. G-Pass@k
is from Liu et al. 2024, arXiv 2412.13147.
"""

from __future__ import annotations

import math
from fractions import Fraction


def needed_of(k: int, share: Fraction) -> int:
    """Return ceil(share * k), how many of k answers must be right; 1 or more, so that share 0 is pass@k.

    `share` is exact: 0.7 * 10 as floats is above 7, whose ceiling is 8. Raises ValueError unless 0 <= share <= 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share must lie between 0 and 1, not {share}")
    return max(1, math.ceil(share * k))


def g_pass_at_k(n: int, c: int, k: int, least: int) -> float:
    """Return the share of the k-subsets of n answers with at least `least` of the c right ones (hypergeometric).

    Unbiased: its mean over c ~ Binomial(n, p) is the chance that Binomial(k, p) is `least` or more. `least` = 1 is
    pass@k, `least` = k the chance that all k are right. Source: Liu et al. 2024, arXiv 2412.13147, G-Pass@k. Raises
    ValueError unless 0 <= c <= n and 1 <= least <= k <= n.
    """
    return _subsets(n, c, k, least) / math.comb(n, k)


def mg_pass_at_k(n: int, c: int, k: int) -> float:
    """Return mG-Pass@k, twice the integral of G-Pass@k over the shares from 0.5 to 1.

    For even k it is the sum 2/k * (G-Pass@k at k/2 + 1, ..., k right answers) of Liu et al. 2024, arXiv 2412.13147. For
    odd k that sum leaves out the half step from 0.5 to (k + 1) / 2k, so that a model that is always right would have
    (k - 1) / k; the integral has it. Raises ValueError as `g_pass_at_k` does.
    """
    whole = Fraction(0)
    for least in range(k // 2 + 1, k + 1):
        # The shares whose ceiling of share * k is `least`, as far as they are 0.5 or more
        width = Fraction(least, k) - max(Fraction(least - 1, k), Fraction(1, 2))
        whole += 2 * width * _subsets(n, c, k, least)
    return float(whole / math.comb(n, k))


def _subsets(n: int, c: int, k: int, least: int) -> int:
    if not 0 <= c <= n:
        raise ValueError(f"c (right answers) must lie between 0 and n={n}, not {c}")
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and n={n} (the answers there are), not {k}")
    if not 1 <= least <= k:
        raise ValueError(f"the right answers needed must lie between 1 and k={k}, not {least}")
    return sum(math.comb(c, right) * math.comb(n - c, k - right) for right in range(least, min(c, k) + 1))
