"""How many wins in a walk of wins and losses are too many for a fair coin, when one looks after every step.

The evidence of w wins in m decided samples is a likelihood ratio: a mixture of coins that favour wins, over a fair
coin. It is compared with a level that is computed for the largest number of steps: the chance that it is reached at any
of them is summed exactly over the lattice of (m, w), so nothing is lost to Ville's inequality, which allows for endless
steps and for jumps beyond the level. A coin that favours losses reaches it less often, because the boundary is a number
of wins.

Source of exact boundaries by such a walk: Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A 132:235-244; of the
mixture: Robbins 1970, Ann. Math. Statist. 41:1397-1409.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Levels in each of two passes: the second ends within two hundredths of the level
LEVELS = 12
# A walk of m steps is further than this times the root of m from its mean with a chance below 1e-13
REACH = 4.0


@dataclass(frozen=True, slots=True)
class Coins:
    """The coins of the mixture: their probability of a win, all above 1/2, and their weights."""

    wins: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The chance that each level (rows) is reached at each step, and of each number of wins at the end if not."""

    at_step: np.ndarray
    at_end: np.ndarray

    @property
    def chance(self) -> np.ndarray:
        """The chance that each level is reached at any step."""
        import numpy as np

        return np.asarray(self.at_step.sum(axis=1))


def coins() -> Coins:
    """Half of the weight even over (1/2, 1), half even over the ln of the distance to 1/2 from 0.03 on."""
    even = [0.5 + (i + 0.5) / 24 for i in range(12)]
    low, high = math.log(0.03), math.log(0.49)
    close = [0.5 + math.exp(low + (high - low) * (i + 0.5) / 12) for i in range(12)]
    return Coins((*even, *close), (*(0.5 / 12 for _ in even), *(0.5 / 12 for _ in close)))


def evidence(wins: int, steps: int) -> float:
    """The ln of the likelihood ratio of so many wins in so many steps; an e-value of a fair coin."""
    import numpy as np

    return float(_log_evidence(np.array([wins]), np.array([steps]))[0]) if steps else 0.0


def boundary(levels: Sequence[float], steps: int) -> np.ndarray:
    """For each ln of a level (rows) and each step the least number of wins that reaches it; above the step: none."""
    import numpy as np

    step = np.arange(1, steps + 1)
    furthest = np.minimum(step + 1, step // 2 + np.ceil(REACH * np.sqrt(step)).astype(int) + 2)
    low, high = np.tile(step // 2, (len(levels), 1)), np.tile(furthest, (len(levels), 1))
    wanted = np.array(levels)[:, None]
    while np.any(high - low > 1):
        middle = (low + high) // 2
        reached = _log_evidence(middle, np.broadcast_to(step, middle.shape)) >= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.asarray(high)


def crossing(levels: Sequence[float], steps: int, wins: float = 0.5) -> Crossing:
    """How likely a coin that wins with the probability `wins` reaches each ln of a level within so many steps."""
    import numpy as np

    bounds = boundary(levels, steps)
    at = np.zeros((len(levels), steps + 2))
    at[:, 0] = 1.0
    crossed = np.zeros((len(levels), steps))
    columns = np.arange(steps + 2)
    for step in range(1, steps + 1):
        first = max(0, math.floor(step * wins - REACH * math.sqrt(step)) - 2)
        window = slice(first, min(step, int(bounds[:, step - 1].max())) + 1)
        moved = at[:, window] * (1 - wins)
        moved[:, 1:] += at[:, window][:, :-1] * wins
        over = columns[window][None, :] >= bounds[:, step - 1][:, None]
        crossed[:, step - 1] = np.where(over, moved, 0.0).sum(axis=1)
        at[:, window] = np.where(over, 0.0, moved)
    return Crossing(crossed, at)


def levels_for(alphas: Sequence[float], steps: int) -> dict[float, float]:
    """The ln of the least level found for each alpha that is reached within so many steps with a chance up to alpha.

    Raises ValueError without a step or for an alpha that is not within 0 and 1.
    """
    import numpy as np

    if steps < 1 or not alphas or not all(0 < alpha < 1 for alpha in alphas):
        raise ValueError("levels need one step at least, and error rates within 0 and 1")
    # By Ville's inequality the last level is enough
    grid = np.linspace(0.0, -math.log(min(alphas)), LEVELS)
    coarse = crossing(grid.tolist(), steps).chance
    found: dict[float, float] = {}
    for alpha in alphas:
        enough = max(1, int(np.argmax(coarse <= alpha)))
        fine = np.linspace(grid[enough - 1], grid[enough], LEVELS)[1:-1]
        within = crossing(fine.tolist(), steps).chance <= alpha
        found[alpha] = float(fine[int(np.argmax(within))] if within.any() else grid[enough])
    return found


def _log_evidence(wins: np.ndarray, steps: np.ndarray) -> np.ndarray:
    import numpy as np

    mixed = coins()
    chance = np.array(mixed.wins)
    logs = (
        np.log(np.array(mixed.weights))
        + np.multiply.outer(wins, np.log(2 * chance))
        + np.multiply.outer(steps - wins, np.log(2 * (1 - chance)))
    )
    top = logs.max(axis=-1)
    return np.asarray(top + np.log(np.exp(logs - top[..., None]).sum(axis=-1)))
