"""Stopping rules for samples of 0 or 1 whose error rate is computed exactly, for a largest number of samples known
in advance.

A claim of at least p0 is refuted as soon as the right answers after n samples are at most `most[n]`. The boundary is
made sample by sample: at each n it is the largest count with which the probability of ever having crossed, if the score
were just p0, stays within what may be spent by then. So all of alpha is used, where Ville's inequality for an e-process
(`sequential`) allows for samples without end and for a crossing that overshoots. One looks after every sample, and the
last look shares the same alpha.

Guarantees: crossing has probability at most alpha at p0 and at every higher score, because a higher score gives no
fewer right answers in any order (coupling); stopping sooner, or skipping samples, only lowers it. Samples are
independent, or items of a benchmark in random order; for the latter certainty is part of the boundary.

Sources: Armitage, McPherson and Rowe 1969, J. R. Stat. Soc. A 132:235-244 (exact crossing probabilities by recursion);
Lan and DeMets 1983, Biometrika 70:659-663 (spending alpha over time); without replacement the hypergeometric steps of
Fisher 1935.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# Alpha is spent evenly over the logarithm of (n + EARLY). A larger one saves up to 3 % where the score is close to the
# threshold, but needs more samples than a uniform mixture where it is 0.3 or more away (`benchmarks/evidence.py`)
EARLY = 1
# States less likely than this are dropped; a boundary counts them as crossed
DROPPED = 1e-14
# Samples between two looks for such states
TRIMMED = 8


@dataclass(frozen=True, slots=True)
class Share:
    """Independent samples, each right with probability `p`."""

    p: float

    def right(self, drawn: int, counts: np.ndarray) -> np.ndarray | float:
        """The probability that the next sample is right, after `drawn` samples, for each count of right ones."""
        return self.p

    def mirrored(self) -> Share:
        """The same with right and wrong exchanged."""
        return Share(1 - self.p)


@dataclass(frozen=True, slots=True)
class Items:
    """Items drawn without replacement from `size`, of which `solved` are right."""

    solved: int
    size: int

    def right(self, drawn: int, counts: np.ndarray) -> np.ndarray | float:
        """The probability that the next item is right, after `drawn` items, for each count of right ones."""
        # Beyond 0 and 1 only for counts that cannot be, whose probability is 0
        return (self.solved - counts) / (self.size - drawn)

    def mirrored(self) -> Items:
        """The same with right and wrong exchanged."""
        return Items(self.size - self.solved, self.size)


Draws = Share | Items


@dataclass(frozen=True, slots=True)
class Boundary:
    """Crossed once the right answers after n samples are at most `most[n]` (n from 0; -1: no count is low enough).

    `edge`: the null hypothesis at which its error was computed; `spent`: the probability of crossing there.
    """

    edge: Draws
    most: tuple[int, ...]
    spent: float

    def crossed(self, n: int, right: int) -> bool:
        """Whether it is crossed after n samples. Raises ValueError beyond its last look."""
        if n >= len(self.most):
            raise ValueError(f"the boundary is for {len(self.most) - 1} samples, not {n}")
        return right <= self.most[n]

    def p_value(self, n: int, right: int) -> float:
        """The probability, at the edge, of a crossing before n or of at most `right` answers at n.

        A p-value where the boundary is crossed at n, or n is its last look: the stagewise ordering of Armitage 1957,
        Biometrika 44:9-26.
        """
        stages = [*self.most[:n], max(right, self.most[n])]
        return min(1.0, sum(_crossings(self.edge, stages)))


def boundary(edge: Draws, looks: int, alpha: float) -> Boundary:
    """Return the boundary against "at least the score of `edge`" over `looks` samples at level alpha.

    Alpha is spent as log(1 + n / EARLY): about as much in each doubling of n, because the distance of the true score is
    not known. Raises ValueError unless alpha lies within (0, 0.5), there is a look and, for items, one for each look.
    """
    steps = list(_steps(edge, looks, alpha))
    return Boundary(edge, (-1, *(count for count, _ in steps)), steps[-1][1])


def excludes(edge: Draws, looks: int, alpha: float, rights: Sequence[int]) -> bool:
    """Whether a path of counts (`rights[n - 1]` after n samples) has crossed the boundary against `edge`."""
    path = zip(rights, _steps(edge, looks, alpha), strict=False)
    return any(right <= most for right, (most, _) in path)


def _steps(edge: Draws, looks: int, alpha: float) -> Iterator[tuple[int, float]]:
    """A boundary look by look: the count, and the probability at the edge of having crossed by then."""
    import numpy as np

    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, not at {alpha}")
    if looks < 1 or (isinstance(edge, Items) and looks > edge.size):
        raise ValueError(f"{looks} looks are impossible")
    allowed = alpha * np.log1p(np.arange(looks + 1) / EARLY) / np.log1p(looks / EARLY)
    lattice, spent = _Lattice(edge, looks), 0.0
    for budget in allowed.tolist()[1:]:
        spent += lattice.step()
        spent += lattice.absorb_within(budget - spent)
        yield lattice.first - 1, spent


@dataclass(frozen=True, slots=True)
class Rule:
    """Two boundaries: `refuting` on right answers, `supporting` on wrong ones."""

    refuting: Boundary
    supporting: Boundary

    @property
    def looks(self) -> int:
        """The largest number of samples."""
        return len(self.refuting.most) - 1

    def word(self, n: int, right: int) -> str:
        """`refuted`, `supported` or `open` after n samples."""
        if self.refuting.crossed(n, right):
            return "refuted"
        return "supported" if self.supporting.crossed(n, n - right) else "open"


def skill_rule(threshold: float, looks: int, refuting: float, supporting: float) -> Rule:
    """The rule for "p >= threshold": p is the probability of solving a new sample; the last two are its two alphas.

    Raises ValueError unless threshold lies within (0, 1), and what `boundary` raises.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold lies within 0 and 1, not at {threshold}")
    return Rule(boundary(Share(threshold), looks, refuting), boundary(Share(1 - threshold), looks, supporting))


def items_rule(needed: int, size: int, looks: int, refuting: float, supporting: float) -> Rule:
    """The rule for "at least `needed` of `size` items are solved", drawn in random order.

    Raises ValueError unless 1 <= needed <= size, and what `boundary` raises.
    """
    if not 1 <= needed <= size:
        raise ValueError(f"{needed} of {size} items is no threshold that can be missed and met")
    return Rule(
        boundary(Items(needed, size), looks, refuting), boundary(Items(size - needed + 1, size), looks, supporting)
    )


@dataclass(frozen=True, slots=True)
class Stops:
    """When a rule stops: `refuted[n]` and `supported[n]` are the probabilities of stopping so after n samples."""

    refuted: tuple[float, ...]
    supported: tuple[float, ...]

    @property
    def open(self) -> float:
        """The probability that all samples are used up without a decision."""
        return max(0.0, 1 - sum(self.refuted) - sum(self.supported))

    @property
    def mean(self) -> float:
        """The expected number of samples; without a decision all are used."""
        looks = len(self.refuted) - 1
        both = zip(self.refuted, self.supported, strict=True)
        return sum(n * (low + high) for n, (low, high) in enumerate(both)) + looks * self.open

    def quantile(self, share: float) -> int:
        """The least number of samples with which this share of runs ends."""
        reached = 0.0
        for n, (low, high) in enumerate(zip(self.refuted, self.supported, strict=True)):
            reached += low + high
            if reached >= share - 1e-12:
                return n
        return len(self.refuted) - 1


def stops(rule: Rule, truth: Draws) -> Stops:
    """Return the exact distribution of the stop if `truth` is the true score."""
    lattice = _Lattice(truth, rule.looks)
    refuted, supported = [0.0], [0.0]
    for n in range(1, rule.looks + 1):
        if lattice.empty:
            refuted.append(0.0)
            supported.append(0.0)
            continue
        lattice.step()
        refuted.append(lattice.absorb(rule.refuting.most[n]))
        supported.append(lattice.absorb_above(n - rule.supporting.most[n]))
    return Stops(tuple(refuted), tuple(supported))


def _crossings(draws: Draws, most: Sequence[int]) -> Iterator[float]:
    """The probability of crossing at each n first."""
    lattice = _Lattice(draws, len(most) - 1)
    for n in range(1, len(most)):
        if lattice.empty:
            return
        yield lattice.step() + lattice.absorb(most[n])


class _Lattice:
    """The probabilities of each count of right answers that is still open, one sample at a time.

    `mass[i]` is that of `first + i` right answers.
    """

    def __init__(self, draws: Draws, looks: int) -> None:
        import numpy as np

        self._draws, self._n = draws, 0
        self._all = np.zeros(looks + 2)
        self._all[0] = 1.0
        self._counts = np.arange(looks + 2)
        self.first, self._end = 0, 1

    @property
    def empty(self) -> bool:
        """Whether no count is left open."""
        return self.first >= self._end

    def step(self) -> float:
        """Draw one more sample. Returns the probability of what was too unlikely to be followed."""
        if self.empty:
            return 0.0
        first, end = self.first, self._end
        right = self._all[first:end] * self._draws.right(self._n, self._counts[first:end])
        self._all[first:end] -= right
        self._all[first + 1 : end + 1] += right
        self._end += 1
        self._n += 1
        return 0.0 if self._n % TRIMMED else self._trim()

    def absorb(self, most: int) -> float:
        """Take out all counts up to `most`, and return their probability."""
        upto = min(most + 1, self._end)
        if upto <= self.first:
            return 0.0
        gone = float(self._all[self.first : upto].sum())
        self._all[self.first : upto] = 0.0
        self.first = upto
        return gone

    def absorb_within(self, budget: float) -> float:
        """Take out as many of the lowest counts as have at most this probability together, and return it."""
        gone = 0.0
        while self.first < self._end:
            lowest = float(self._all[self.first])
            if gone + lowest > budget:
                break
            gone += lowest
            self._all[self.first] = 0.0
            self.first += 1
        return gone

    def absorb_above(self, least: int) -> float:
        """Take out all counts from `least` on, and return their probability."""
        start = max(least, self.first)
        if start >= self._end:
            return 0.0
        gone = float(self._all[start : self._end].sum())
        self._all[start : self._end] = 0.0
        self._end = start
        return gone

    def _trim(self) -> float:
        """Take out the least likely counts of both ends, and return their probability."""
        kept = (self._all[self.first : self._end] >= DROPPED).nonzero()[0]
        if not len(kept):
            return 0.0
        low, high = self.first + int(kept[0]), self.first + int(kept[-1]) + 1
        gone = float(self._all[self.first : low].sum() + self._all[high : self._end].sum())
        self._all[self.first : low] = 0.0
        self._all[high : self._end] = 0.0
        self.first, self._end = low, high
        return gone
