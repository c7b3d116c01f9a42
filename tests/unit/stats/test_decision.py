"""The chance that a claim is settled, against simulation of the truth and of the test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, hypergeom

from harness.stats.decision import Prior, difference_decided, score_decided
from harness.stats.two_model_power import Margins


@pytest.mark.parametrize("prior", [Prior(), Prior(7, 3)])
def test_a_score_is_settled_as_often_as_in_simulation(prior: Prior):
    n, bar, draws = 60, 0.8, 20_000
    rng = np.random.default_rng(3)
    truths = rng.beta(prior.right + 1, prior.wrong + 1, draws)
    right = rng.binomial(n, truths)
    low = [binomtest(k, n, bar, "less").pvalue <= 0.05 for k in range(n + 1)]
    high = [binomtest(k, n, bar, "greater").pvalue <= 0.05 for k in range(n + 1)]
    # A verdict against the truth is an error, not a settled claim
    settled = np.where(truths < bar, np.take(low, right), np.take(high, right))
    assert score_decided(n, bar, prior) == pytest.approx(settled.mean(), abs=0.015)


def test_a_score_on_exactly_these_items_is_settled_for_certain_by_all_of_them():
    assert score_decided(80, 0.6, Prior(), size=80) == 1.0
    some = score_decided(30, 0.6, Prior(), size=80)
    assert score_decided(30, 0.6, Prior()) < some < 1.0
    # Of 80 items 20 are solved, 48 would have to be: scipy's own hypergeometric
    critical = max(k for k in range(31) if hypergeom.cdf(k, 80, 48, 30) <= 0.05)
    assert score_decided(30, 0.6, Prior(2e6, 6e6), size=80) == pytest.approx(
        hypergeom.cdf(critical, 80, 20, 30), abs=1e-6
    )


@pytest.mark.parametrize(
    ("n", "margins"), [(150, Margins(low=0.0)), (150, Margins(-0.05, 0.05)), (900, Margins(low=-0.03))]
)
def test_more_samples_and_wider_margins_settle_more(n: int, margins: Margins):
    priors = (Prior(30, 20), Prior(25, 25))
    some, more = (difference_decided(size, margins, priors, 0.5) for size in (n, 4 * n))
    assert 0 <= some < more < 1
    wide = Margins(None if margins.low is None else margins.low - 0.1, margins.high and margins.high + 0.1)
    if margins.high is not None:
        assert difference_decided(n, wide, priors, 0.5) > some
