"""P-values of several tests, adjusted so that the family-wise error rate is kept.

Guarantees the family-wise error rate under any dependence between the tests. An adjusted p is compared with alpha
like that of a single test. Does not decide what a family is: the caller passes all tests of one statement.
"""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the step-down adjusted p-values, in the order given; never larger than Bonferroni's.

    Source: Holm 1979, Scand. J. Stat. 6:65-70. Raises ValueError for a p outside [0, 1].
    """
    _check(p_values)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return tuple(adjusted)


def holm_directional(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return adjusted p-values of two-sided tests after which the direction of a difference may be stated too.

    Each test counts as two one-sided ones (p / 2 for the direction that was seen, at least 1/2 for the other), and Holm
    goes over all of these: the chance to state any wrong direction is then at most alpha, which Holm over two-sided
    p-values guarantees only for independent tests (Shaffer 1980, Ann. Stat. 8:1342-1347). Each lies between that of
    `holm` and Bonferroni's. Raises ValueError for a p outside [0, 1].
    """
    _check(p_values)
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (2 * len(p_values) - rank) * p_values[place] / 2))
        adjusted[place] = largest
    return tuple(adjusted)


def _check(p_values: Sequence[float]) -> None:
    for p in p_values:
        if not 0 <= p <= 1:
            raise ValueError(f"a p-value lies between 0 and 1, not at {p}")
