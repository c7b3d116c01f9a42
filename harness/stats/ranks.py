"""Which ranks are compatible with a set of decided comparisons, and who is not distinguishable from whom.

A comparison is decided where one is shown to be better than the other. Guarantees: if all decided comparisons are right
together with probability 1 - alpha, all rank ranges together contain the true ranks with at least that probability.
Does not test anything itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RankRange:
    """The best and the worst rank that are not excluded; 1 is the best."""

    best: int
    worst: int


def rank_ranges(count: int, decided: Collection[tuple[int, int]]) -> tuple[RankRange, ...]:
    """Return the range of each of `count` competitors; `decided` holds (better, worse) pairs of their places.

    From 1 + the number of those shown to be better, to count - the number of those shown to be worse: Mogstad, Romano,
    Shaikh and Wilhelm 2024, Rev. Econ. Stud. 91:476-518, section 3. Equal ones share the best rank of theirs. Raises
    ValueError for a pair decided both ways, or a place that does not exist.
    """
    pairs = set(decided)
    if any((worse, better) in pairs for better, worse in pairs):
        raise ValueError("a pair is decided both ways")
    if any(not 0 <= place < count for pair in pairs for place in pair):
        raise ValueError(f"places are from 0 to {count - 1}")
    better_than = [sum(worse == place for _, worse in pairs) for place in range(count)]
    worse_than = [sum(better == place for better, _ in pairs) for place in range(count)]
    return tuple(RankRange(1 + above, count - below) for above, below in zip(better_than, worse_than, strict=True))


def not_distinguishable(order: Sequence[int], undecided: Collection[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Return the largest stretches of `order` (best first) where each pair was compared, none decided.

    Two long or more. `undecided`: pairs that were compared without a decision, each in any order: of a pair that was
    not compared nothing is known. Stretches may overlap: A may be like B and B like C, though A is better than C.
    """
    pairs = {frozenset(pair) for pair in undecided}
    found: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and all(frozenset((order[end], one)) in pairs for one in order[start:end]):
            end += 1
        if end - start > 1 and end > reached:
            found.append(tuple(order[start:end]))
        reached = max(reached, end)
    return tuple(found)
