"""How probable it is that n samples settle a claim, when the true score is not known but has a prior.

The average power over the prior (O'Hagan, Stevens and Campbell 2005, Pharm. Stat. 4:187-201, "assurance") of the exact
tests that later decide: refuted or supported, whichever the true score makes true. A prior is a beta distribution of
the score; its average is taken over the middles of equally probable parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.stats.intervals import normal_quantile
from harness.stats.margin_power import paired_margin_power
from harness.stats.power import ALPHA, refutation_power, support_power
from harness.stats.proportions import hypergeometric_p_value, least_right
from harness.stats.two_model_power import (
    Discordance,
    Margins,
    discordance,
    mcnemar_power,
)

# Parts of the prior of one score, and of each of two
PARTS, PARTS_OF_TWO = 40, 9
# Beyond this many samples a test with a margin is taken as normal: the exact sum over a grid takes seconds
EXACT_MARGIN_UP_TO = 200


@dataclass(frozen=True, slots=True)
class Prior:
    """A beta distribution of a true score: `right` and `wrong` answers on top of a uniform one (none: every score)."""

    right: float = 0.0
    wrong: float = 0.0

    @property
    def mean(self) -> float:
        """The expected score."""
        return (self.right + 1) / (self.right + self.wrong + 2)

    def middles(self, parts: int) -> list[float]:
        """The medians of so many equally probable parts, in rising order."""
        from scipy.special import betaincinv

        shares = [(part + 0.5) / parts for part in range(parts)]
        return [float(betaincinv(self.right + 1, self.wrong + 1, share)) for share in shares]


def score_decided(n: int, bar: float, prior: Prior, size: int | None = None, alpha: float = ALPHA) -> float:
    """Return the chance that n samples settle whether a score reaches `bar`, averaged over the prior.

    With `size` the claim is about exactly that many items, drawn without replacement. Raises ValueError unless
    0 < bar < 1 and n >= 1.
    """
    if size is not None:
        return _finite_decided(n, least_right(bar, size), prior, size, alpha)
    truths = [min(max(truth, 1e-9), 1 - 1e-9) for truth in prior.middles(PARTS)]
    return math.fsum(_shown(n, bar, truth, alpha) for truth in truths) / PARTS


def difference_decided(
    n: int, margins: Margins, priors: tuple[Prior, Prior], correlation: float, alpha: float = ALPHA
) -> float:
    """Return the chance that n paired samples settle a difference of two scores, averaged over their priors.

    With one end in `margins` settled means shown above or below it; with both, shown to lie within. `correlation` is
    that of the right answers of the two models.
    """
    first, second = (prior.middles(PARTS_OF_TWO) for prior in priors)
    total = 0.0
    for one in first:
        for other in second:
            total += _difference_shown(n, margins, discordance(one, other, correlation), alpha)
    return total / (len(first) * len(second))


def _shown(n: int, bar: float, truth: float, alpha: float) -> float:
    if truth == bar:
        return 0.0
    return (refutation_power if truth < bar else support_power)(n, bar, truth, alpha).power


def _finite_decided(n: int, must: int, prior: Prior, size: int, alpha: float) -> float:
    """Of `size` items `must` have to be solved; the number solved is a part of the prior, rounded."""
    n = min(n, size)
    low = _critical(n, must, size, alpha)
    # Support is refuting "at least size - must + 1 wrong"
    high = _critical(n, size - must + 1, size, alpha)
    total = 0.0
    for truth in prior.middles(PARTS):
        solved = round(truth * size)
        if solved < must:
            total += hypergeometric_p_value((low, n), solved, size, "less") if low >= 0 else 0.0
        else:
            total += hypergeometric_p_value((high, n), size - solved, size, "less") if high >= 0 else 0.0
    return total / PARTS


def _critical(n: int, must: int, size: int, alpha: float) -> int:
    """The largest number of n that refutes "at least `must` of `size`"; -1 where none does."""
    low, high = -1, n
    while low < high:
        middle = (low + high + 1) // 2
        if hypergeometric_p_value((middle, n), must, size, "less") <= alpha:
            low = middle
        else:
            high = middle - 1
    return low


def _difference_shown(n: int, margins: Margins, truth: Discordance, alpha: float) -> float:
    if margins.low is not None and margins.high is not None:
        return _margin_power(n, truth, margins, alpha)
    bar = margins.low if margins.low is not None else margins.high or 0.0
    if truth.difference == bar:
        return 0.0
    if bar == 0:
        return mcnemar_power(n, truth, alpha, two_sided=False)
    return _margin_power(n, truth, Margins(low=bar) if truth.difference > bar else Margins(high=bar), alpha)


def _margin_power(n: int, truth: Discordance, margins: Margins, alpha: float) -> float:
    if n <= EXACT_MARGIN_UP_TO:
        return paired_margin_power(n, truth, margins, alpha)
    from scipy.special import ndtr

    spread = math.sqrt(max(truth.total - truth.difference**2, 1e-12) / n)
    z = normal_quantile(1 - 2 * alpha)
    ends: Sequence[float] = [
        *([(truth.difference - margins.low) / spread - z] if margins.low is not None else []),
        *([(margins.high - truth.difference) / spread - z] if margins.high is not None else []),
    ]
    return max(0.0, math.fsum(float(ndtr(end)) for end in ends) - (len(ends) - 1))
