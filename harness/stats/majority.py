"""The expected worth of a majority vote among k of n answers (self-consistency).

Guarantees the exact mean over all k-subsets of the n answers, without drawing any at random. It does not
decide when two answers are the same: equal strings are one class, so the scorer must have brought them to
one form.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence


def majority_at_k(answers: Sequence[str | None], values: Sequence[float], k: int) -> float:
    """Return the value of the answer that wins a vote of k, averaged over all subsets of k of the answers.

    `answers[i]` is one vote (None casts none), `values[i]` its score. The class with most votes wins; tied
    classes share the win equally; where nobody votes the subset is worth 0. A class is worth the mean of its
    values. Source of the vote: Wang et al. 2022, arXiv 2203.11171. Raises ValueError unless 1 <= k <=
    len(answers).
    """
    n = len(answers)
    if len(values) != n:
        raise ValueError(f"{n} answers but {len(values)} values")
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and n={n} (the answers there are), not {k}")
    members: dict[str, list[float]] = defaultdict(list)
    for answer, value in zip(answers, values, strict=True):
        if answer is not None:
            members[answer].append(value)
    classes = sorted((len(worths), math.fsum(worths) / len(worths)) for worths in members.values())
    largest = classes[-1][0] if classes else 0
    total = math.fsum(_win_with(votes, classes, n, k) for votes in range(1, min(largest, k) + 1))
    # A rounding step beyond 1 would make a 0/1 score look unbounded
    worths = [0.0, *(worth for _, worth in classes)]
    return max(min(worths), min(max(worths), total))


def _win_with(votes: int, classes: Sequence[tuple[int, float]], n: int, k: int) -> float:
    """Expected worth of the winner, times the chance that exactly `votes` votes win.

    Walks the classes once. A state is (draws left, classes that have `votes`) with its probability and, in
    the same measure, the summed worth of those classes; how many a class gets is hypergeometric given the
    draws left.
    """
    states: dict[tuple[int, int], tuple[float, float]] = {(k, 0): (1.0, 0.0)}
    pool = n
    for size, worth in classes:
        after: dict[tuple[int, int], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for (left, tied), (chance, credit) in states.items():
            ways = math.comb(pool, left)
            for drawn in range(max(0, left - (pool - size)), min(size, left, votes) + 1):
                step = math.comb(size, drawn) * math.comb(pool - size, left - drawn) / ways
                wins = drawn == votes
                key = (left - drawn, tied + wins)
                old_chance, old_credit = after[key]
                gained = credit + chance * worth if wins else credit
                after[key] = (old_chance + step * chance, old_credit + step * gained)
        states, pool = dict(after), pool - size
    return math.fsum(credit / tied for (_, tied), (_, credit) in states.items() if tied)
