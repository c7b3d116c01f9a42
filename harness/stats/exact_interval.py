"""Intervals of a score that hold at any stop, from the boundaries of `exact_stopping`.

Guarantees: the interval has every score whose boundary the path of counts has not crossed, so that it misses the true
score with probability at most the sum of its two alphas, wherever one stops; and it leaves out the threshold just when
the rule with the same alphas and looks has settled it. Counts are whole, so the boundary of a score just beyond the
threshold may by chance be a little stricter: scores just beyond it (NEAR) are tested by the threshold's own boundary,
which holds for them too. Source: inversion of a sequential test, Darling and Robbins
1967, Proc. Natl. Acad. Sci. 58:66-68; Howard et al. 2021, Ann. Statist. 49:1055-1080 (confidence sequences).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.stats.exact_stopping import Items, Share, excludes

# Halvings of [0, 1]: an end is exact to 0.0001
HALVINGS = 13
# Scores beyond an end that are tried too, since the scores that are left out may have gaps
BEYOND = 4
# A hundredth, and two samples of those that may be used
NEAR, NEAR_SAMPLES = 0.01, 2


@dataclass(frozen=True, slots=True)
class Levels:
    """How the error of an interval is shared out: `lower` is the probability of its lower end being too high."""

    lower: float
    upper: float

    @property
    def confidence(self) -> float:
        """The interval's confidence."""
        return 1 - self.lower - self.upper


def stopping_interval(rights: Sequence[int], looks: int, levels: Levels, threshold: float) -> tuple[float, float]:
    """Return the interval of the probability of solving a new sample, after the counts so far.

    `rights[n - 1]` answers are right after n of at most `looks` samples. Raises ValueError for no samples.
    """

    def ends(counts: Sequence[int]) -> tuple[float, float]:
        mirrored = 1 - threshold
        wrong = _upper_share(_wrongs(counts), looks, levels.lower, mirrored)
        # Just beyond the threshold, which 1 - wrong may round to
        low = max(1 - wrong, math.nextafter(threshold, 1)) if wrong < mirrored else 1 - wrong
        return low, _upper_share(counts, looks, levels.upper, threshold)

    return _in_order(ends, rights)


def items_interval(rights: Sequence[int], looks: int, levels: Levels, needed: int, size: int) -> tuple[float, float]:
    """Return the interval of the share of exactly these `size` items, drawn in random order; `needed` meet the claim.

    Raises ValueError for no samples.
    """

    def ends(counts: Sequence[int]) -> tuple[float, float]:
        least = size - _upper_count(_wrongs(counts), looks, levels.lower, (size - needed + 1, size))
        return least / size, _upper_count(counts, looks, levels.upper, (needed, size)) / size

    return _in_order(ends, rights)


def _in_order(ends: Callable[[Sequence[int]], tuple[float, float]], rights: Sequence[int]) -> tuple[float, float]:
    """The interval after all counts, or, where by then every score has been left out, after the last with one left.

    Both hold at any stop. Scores are only ever left out, so that these counts are found by halving.
    """
    low, high = ends(rights)
    kept, past = 0, len(rights)
    found = 0.0, 1.0
    while low > high and kept < past - 1:
        middle = (kept + past) // 2
        if (now := ends(rights[:middle]))[0] <= now[1]:
            kept, found = middle, now
        else:
            past = middle
    return (low, high) if low <= high else found


def _wrongs(rights: Sequence[int]) -> list[int]:
    if not rights:
        raise ValueError("an interval needs a sample")
    return [n - right for n, right in enumerate(rights, 1)]


def _upper_share(rights: Sequence[int], looks: int, alpha: float, threshold: float) -> float:
    """The largest share that is not excluded."""
    near = NEAR + NEAR_SAMPLES / looks

    def out(share: float) -> bool:
        own = share if share < threshold or share >= threshold + near else threshold
        return excludes(Share(own), looks, alpha, rights)

    if rights[-1] == len(rights):
        return 1.0
    if out(threshold):
        low, high = 0.0, threshold
    else:
        low, high = min(1.0, threshold + near), 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if out(middle) else (middle, high)
    step = max(near, 0.25 / len(rights))
    beyond = [share for place in range(1, BEYOND + 1) if (share := high + place * step) < 1 and not out(share)]
    return max([math.nextafter(threshold, 0) if high == threshold else high, *beyond])


def _upper_count(rights: Sequence[int], looks: int, alpha: float, of: tuple[int, int]) -> int:
    """The largest number of solved items that is not excluded; `of`: how many meet the claim, and the size."""
    needed, size = of
    near = range(needed, needed + math.ceil(NEAR * size) + NEAR_SAMPLES)

    def out(solved: int) -> bool:
        return excludes(Items(needed if solved in near else solved, size), looks, alpha, rights)

    # So many are possible; fewer than were seen right are not
    least, last = rights[-1], size - (len(rights) - rights[-1])
    low, high = least, last
    if not out(high):
        return high
    if least < needed <= last:
        low, high = (least, needed) if out(needed) else (min(near[-1], last - 1), last)
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (low, middle) if out(middle) else (middle, high)
    beyond = [high + place * max(1, len(near) // 2) for place in range(1, BEYOND + 1)]
    return max([low, *(count for count in beyond if count < last and not out(count))])
