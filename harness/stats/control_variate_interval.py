"""Intervals of the share of exactly these items that hold at any stop, with difficulty as a control variate.

All counts that the e-process of neither side (`control_variate.AtLeast`) has refuted: a confidence sequence by
inversion (Howard et al. 2021, Ann. Statist. 49:1055-1080; Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86:1-27).
All hypotheses share the bets that suit the threshold, so that those beyond it fall with it: the interval leaves out the
threshold just when the test has settled it. It misses the true share with probability at most the sum of both alphas,
whatever the difficulties are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.control_variate import AtLeast, Difficulties
from harness.stats.exact_interval import Levels

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Drawn:
    """The items so far, in their order: answers of 0 or 1, None where it is not known, and their figures."""

    answers: tuple[float | None, ...]
    figures: tuple[float, ...]


def items_interval(known: Difficulties, drawn: Drawn, levels: Levels, needed: int) -> tuple[float, float]:
    """Return the interval of the share of items that are right; `needed` of them meet the claim.

    What was left out at any item stays out. Where that leaves nothing, it is the interval before. Raises ValueError for
    no items, and unless 1 <= needed <= size.
    """
    size = known.size
    if not drawn.answers or not 1 <= needed <= size:
        raise ValueError(f"an interval needs an item, and a threshold of 1 to {size} items")
    highs = _most(known, drawn, needed, levels.upper)
    wrong = Drawn(tuple(None if x is None else 1 - x for x in drawn.answers), tuple(1 - d for d in drawn.figures))
    lows = size - _most(known.mirrored, wrong, size - needed + 1, levels.lower)
    left = (lows <= highs).nonzero()[0]
    if not len(left):
        return 0.0, 1.0
    return float(lows[left[-1]]) / size, float(highs[left[-1]]) / size


def _most(known: Difficulties, drawn: Drawn, aim: int, alpha: float) -> np.ndarray:
    """The largest count that was not refuted up to each item, shape (items,)."""
    import numpy as np

    counts = np.arange(1, known.size + 1)
    processes, out = AtLeast(known, counts, aim), np.zeros(known.size, dtype=bool)
    found = []
    for x, d in zip(drawn.answers, drawn.figures, strict=True):
        # What is not known may be right
        processes.feed(np.array([1.0 if x is None else x]), np.array([d]))
        out |= processes.log_e >= -math.log(alpha)
        kept = (~out).nonzero()[0]
        found.append(int(counts[kept[-1]]) if len(kept) else 0)
    return np.array(found)
