"""The chance that at least one of k answers is right, estimated from n answers of which c are.

Guarantees the unbiased estimator, correctly rounded, for any n. It does not know samples or scorers, and
imports nothing but the standard library, so that it can be used without this harness.
"""

from __future__ import annotations

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return 1 - C(n-c, k) / C(n, k), the share of k-subsets of n answers that hold one of the c right ones.

    Unbiased: its mean over c ~ Binomial(n, p) is exactly 1 - (1-p)**k. Source: Chen et al. 2021,
    arXiv 2107.03374, equation 1. Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not 0 <= c <= n:
        raise ValueError(f"c (right answers) must lie between 0 and n={n}, not {c}")
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and n={n} (the answers there are), not {k}")
    subsets = math.comb(n, k)
    # Whole numbers until the one division: no product drifts, and tiny chances do not vanish in 1 - x
    return (subsets - math.comb(n - c, k)) / subsets
