"""Where the test with difficulty as a control variate stops: by replaying it, on given or on simulated answers.

There is no recursion over counts as for exact boundaries (`exact_stopping.stops`), because the bets depend on the
figures of the items drawn. The simulation has a fixed seed: of a set with these figures the items that are right are
those with the highest logit(d) * discrimination + noise, the noise being logistic (Rasch 1960; Birnbaum 1968, in Lord
and Novick), as many as the assumed score says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats.control_variate import AtLeast, Difficulties
from harness.stats.exact_interval import Levels

if TYPE_CHECKING:
    import numpy as np

RUNS, SEED = 120, 0
# Items between two looks at which sequences have ended
ENDED = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """Sequences of all items in random order, shape (sequences, items): answers of 0 or 1, and the items' figures."""

    right: np.ndarray
    figures: np.ndarray


@dataclass(frozen=True, slots=True)
class Stopped:
    """For each sequence the items used, and the word: -1 refuted, 1 supported."""

    used: np.ndarray
    word: np.ndarray

    def quantile(self, share: float) -> int:
        """The least number of items with which this share of sequences ends."""
        import numpy as np

        return int(np.quantile(self.used, share, method="inverted_cdf"))

    def mean(self, least: int = 1) -> float:
        """The mean number of items, none being less than `least`."""
        return float(self.used.clip(min=least).mean())

    def share(self, word: int) -> float:
        """The share of sequences that end with this word."""
        return float((self.word == word).mean())


def stopped(answers: Answers, known: Difficulties, needed: int, levels: Levels) -> Stopped:
    """Run the test of "at least `needed` are right" on each sequence. Raises ValueError unless 1 <= needed <= size."""
    import numpy as np

    if not 1 <= needed <= known.size:
        raise ValueError(f"{needed} of {known.size} items is no threshold that can be missed and met")
    refuted = _reached(answers, known, needed, levels.upper)
    wrong = Answers(1 - answers.right, 1 - answers.figures)
    supported = _reached(wrong, known.mirrored, known.size - needed + 1, levels.lower)
    return Stopped(np.minimum(refuted, supported), np.where(refuted < supported, -1, 1))


def _reached(answers: Answers, known: Difficulties, needed: int, alpha: float) -> np.ndarray:
    """The items after which "at least `needed`" is refuted in each sequence; one more than there are for never."""
    import numpy as np

    count, size = answers.right.shape
    found, rows, bound = np.full(count, size + 1), np.arange(count), -math.log(alpha)
    processes = AtLeast(known, np.full(count, needed))
    right = np.zeros(count)
    for n in range(size):
        x = answers.right[rows, n]
        processes.feed(x, answers.figures[rows, n])
        right = right + x
        hit = (processes.log_e >= bound) & (found[rows] > size)
        found[rows[hit]] = n + 1
        if n % ENDED == 0 and bool((ended := (found[rows] <= size) | (right >= needed)).any()):
            rows, right = rows[~ended], right[~ended]
            if not len(rows):
                break
            processes.keep(~ended)
    return found


def simulated(figures: Sequence[float], solved: int, discrimination: float, runs: int = RUNS) -> Answers:
    """Return sequences of answers of models that solve exactly `solved` of these items; always the same ones."""
    import numpy as np

    draw = np.random.default_rng(SEED)
    values = np.asarray(figures, dtype=float)
    # A share of 0 or 1 has no logit; one of a few models is no certainty
    inside = np.clip(values, 0.03, 0.97)
    ease = discrimination * np.log(inside / (1 - inside)) + draw.logistic(size=(runs, len(values)))
    ranks = np.argsort(np.argsort(-ease, axis=1), axis=1)
    order = np.argsort(draw.random((runs, len(values))), axis=1)
    right = np.take_along_axis((ranks < solved).astype(float), order, axis=1)
    return Answers(right, values[order])
