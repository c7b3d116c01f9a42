"""Sequential tests of a claim, valid at any stopping time.

An e-process starts at 1 and, if the claim is true, is expected never to grow. By Ville's inequality it then reaches
1 / alpha with probability at most alpha, *at any time*, so that one may check after every sample and stop at
any of them. The price is power: a test of fixed n, chosen in advance, needs fewer samples in the worst case.

Guarantees: a true claim is refuted with probability at most alpha, a false one supported with probability at most
alpha, whenever one stops. Needs samples in random order, each 0 or 1; samples that share a group are not independent
draws (for `BenchmarkTest`, which is about exactly these items, a random order is enough). A second test after it, such
as a fixed-n one at the end, needs a separate alpha; the two add up.

Sources: Ville 1939; Robbins 1970, Ann. Math. Statist. 41:1397-1409 (mixtures); Ramdas et al. 2023, Statist. Sci.
38:576-601; without replacement Waudby-Smith and Ramdas 2020, NeurIPS.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from harness.stats.proportions import least_right, log_choose

if TYPE_CHECKING:
    import numpy as np

Verdict = Literal["supported", "refuted", "open"]
ALPHA = 0.05
# Below this betainc has lost its digits to underflow
TINY = 1e-280


class SkillTest:
    """Is p >= threshold? Fed one sample at a time; p is the chance to solve a new sample of the same kind.

    `verdict` is "open" until one of the two e-processes reaches 1 / alpha, and is final: "refuted" (p >=
    threshold is false) or "supported" (p <= threshold is false).
    """

    def __init__(self, threshold: float, alpha: float = ALPHA) -> None:
        """Raise ValueError unless threshold and alpha lie within (0, 1)."""
        _check_within(threshold, alpha)
        self.threshold, self.alpha = threshold, alpha
        self.right = self.wrong = 0
        self.verdict: Verdict = "open"

    @property
    def n(self) -> int:
        """Samples fed."""
        return self.right + self.wrong

    @property
    def log_against(self) -> float:
        """The ln of the e-value against p >= threshold."""
        return log_mixture(self.right, self.wrong, self.threshold)

    @property
    def log_for(self) -> float:
        """The ln of the e-value against p <= threshold."""
        return log_mixture(self.wrong, self.right, 1 - self.threshold)

    def feed(self, value: float) -> Verdict:
        """Take the next sample's value and return the verdict so far. Raises ValueError unless it is 0 or 1."""
        right = _zero_or_one(value)
        self.right, self.wrong = self.right + right, self.wrong + 1 - right
        if self.verdict == "open":
            self.verdict = _verdict(self.log_against, self.log_for, self.alpha)
        return self.verdict


class BenchmarkTest:
    """Are at least threshold * size of a benchmark's items solved? Fed with different items in random order.

    Besides the two e-processes there is certainty: once the items left cannot change the answer, it is `certain`.
    """

    def __init__(self, threshold: float, size: int, alpha: float = ALPHA) -> None:
        """Raise ValueError unless threshold is from 0 to 1, alpha within (0, 1) and there is an item."""
        if size < 1:
            raise ValueError("a benchmark has at least one item")
        _check_within(alpha)
        self.needed = least_right(threshold, size)
        self.size, self.alpha = size, alpha
        self.right = self.wrong = 0
        self.verdict: Verdict = "open" if self.needed else "supported"

    @property
    def n(self) -> int:
        """Items fed."""
        return self.right + self.wrong

    @property
    def certain(self) -> bool:
        """Whether the items left cannot change the answer."""
        return self.right >= self.needed or self.wrong > self.size - self.needed

    @property
    def log_against(self) -> float:
        """The ln of the e-value against "at least `needed` items are solved"; infinite once that is impossible."""
        return log_finite_mixture(self.right, self.wrong, self.needed, self.size)

    @property
    def log_for(self) -> float:
        """The ln of the e-value against "fewer than `needed` items are solved"."""
        return log_finite_mixture(self.wrong, self.right, self.size - self.needed + 1, self.size)

    def feed(self, value: float) -> Verdict:
        """Take the next item's value and return the verdict so far. Raises ValueError unless it is 0 or 1.

        Certainty overrides an e-process that was wrong.
        """
        right = _zero_or_one(value)
        if self.n >= self.size:
            raise ValueError(f"all {self.size} items were fed already")
        self.right, self.wrong = self.right + right, self.wrong + 1 - right
        if self.certain:
            self.verdict = "supported" if self.right >= self.needed else "refuted"
        elif self.verdict == "open":
            self.verdict = _verdict(self.log_against, self.log_for, self.alpha)
        return self.verdict


def log_mixture(right: int, wrong: int, p0: float) -> float:
    """Return ln of the e-value against p >= p0: likelihood under p uniform on (0, p0), over likelihood at p0.

    It is an e-value for every p >= p0, because each factor falls with the sample's value. Raises ValueError for
    counts below 0 or p0 outside (0, 1).
    """
    from scipy.special import betainc, betaln

    _check_within(p0)
    if min(right, wrong) < 0:
        raise ValueError(f"right and wrong are counts, not {right} and {wrong}")
    inside = float(betainc(right + 1, wrong + 1, p0))
    if inside < TINY:
        return _log_series(right, wrong, p0)
    at_p0 = right * math.log(p0) + wrong * math.log1p(-p0)
    return float(betaln(right + 1, wrong + 1)) + math.log(inside) - math.log(p0) - at_p0


def log_finite_mixture(right: int, wrong: int, needed: int, size: int) -> float:
    """Return ln of the e-value against "at least `needed` of `size` items are solved", drawn without replacement.

    The mixture is uniform over 0 ... needed - 1 solved items. Infinite once the hypothesis is impossible; minus
    infinite once it is certain, or with needed = 0. Raises ValueError for counts that cannot be.
    """
    import numpy as np
    from scipy.special import logsumexp

    if min(right, wrong, needed) < 0 or right + wrong > size or needed > size + 1:
        raise ValueError(f"{right} right and {wrong} wrong of {size} items, {needed} needed: impossible counts")
    if wrong > size - needed:
        return math.inf
    if right >= needed:
        return -math.inf
    # Only these counts of solved items fit with what was seen
    fitting = np.arange(right, min(needed - 1, size - wrong) + 1)
    mixed = logsumexp(_log_order(fitting, right, right + wrong, size)) - math.log(needed)
    return float(mixed - _log_order(np.array([needed]), right, right + wrong, size)[0])


def _log_order(solved: np.ndarray, right: int, n: int, size: int) -> np.ndarray:
    """The ln of P(this very order of answers | so many items are solved), for an array of such counts."""
    import numpy as np

    return np.asarray(log_choose(size - n, solved - right) - log_choose(size, solved))


def _log_series(right: int, wrong: int, p0: float) -> float:
    """The mixture where far more answers are right than p0: a series of positive terms that falls from the start.

    The incomplete beta function as a hypergeometric series: DLMF 8.17.8.
    """
    term = total = (1 - p0) / (right + 1)
    for step in range(1_000_000):
        term *= (right + wrong + 2 + step) / (right + 2 + step) * p0
        total += term
        if term < 1e-16 * total:
            break
    return math.log(total)


def _verdict(log_against: float, log_for: float, alpha: float) -> Verdict:
    bar = -math.log(alpha)
    if log_against >= bar:
        return "refuted"
    return "supported" if log_for >= bar else "open"


def _zero_or_one(value: float) -> int:
    if value not in (0, 1):
        raise ValueError(f"this test is for values of 0 or 1, not {value}")
    return int(value)


def _check_within(*shares: float) -> None:
    for share in shares:
        if not 0 < share < 1:
            raise ValueError(f"a threshold and alpha lie within 0 and 1, not at {share}")
