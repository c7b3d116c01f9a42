"""How much several answers to one question agree, right or wrong.

It does not decide when two answers are the same: equal strings are, so the scorer must have brought them to one form.
None is no answer, and agrees with nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def pairwise_agreement(answers: Sequence[str | None]) -> float:
    """Return the share of the pairs of answers that are equal, the chance that two answers agree.

    sum of m_j (m_j - 1) over n (n - 1), where m_j of the n answers are the j-th: the unbiased estimator of the sum of
    squared probabilities (Simpson 1949, Nature 163:688), which does not depend on n. Raises ValueError below two
    answers.
    """
    if len(answers) < 2:
        raise ValueError("agreement needs at least two answers")
    counts = Counter(answer for answer in answers if answer is not None)
    return sum(math.comb(count, 2) for count in counts.values()) / math.comb(len(answers), 2)


def modal_share_at_k(answers: Sequence[str | None], k: int) -> float:
    """Return the share of the commonest of k answers, averaged over all subsets of k of the n answers.

    The share of the commonest answer falls as more answers are seen, so that it is comparable at equal k only. Exact,
    without drawing: P(no answer occurs more than m times) is the coefficient of x^k in the product over answers of
    sum_{j<=m} C(m_j, j) x^j, over C(n, k). Raises ValueError unless 1 <= k <= n.
    """
    n = len(answers)
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and n={n} (the answers there are), not {k}")
    counts = Counter(answer for answer in answers if answer is not None)
    # Each answer that is missing is a class of its own that never counts
    blanks = n - sum(counts.values())
    most = min(k, max(counts.values(), default=0))
    subsets = math.comb(n, k)
    # The mean of a count is the sum over m of the chance that it is m or more
    above = sum(subsets - _at_most(tuple(counts.values()), blanks, k, m) for m in range(most))
    return above / subsets / k


def _at_most(sizes: Sequence[int], blanks: int, k: int, most: int) -> int:
    """Count the k-subsets in which no answer occurs more than `most` times."""
    ways = [math.comb(blanks, drawn) for drawn in range(k + 1)]
    for size in sizes:
        own = [math.comb(size, drawn) for drawn in range(min(size, most) + 1)]
        ways = [
            sum(own[drawn] * ways[total - drawn] for drawn in range(min(len(own) - 1, total) + 1))
            for total in range(k + 1)
        ]
    return ways[k]
