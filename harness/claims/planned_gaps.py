"""Before a run: how many samples a claim of two models needs, by assumed true difference.

The n of a run of fixed size is for one task and one comparator at the claim's alpha with power 0.8, by the tests that
later decide. Where `claim check --run` stops: `stats.paired_stop`, and `stats.bets_stop` for groups and graded scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.claims.page import Claim
from harness.claims.planned_samples import PlannedSamples
from harness.claims.published import gap_of
from harness.stats.bets_stop import Within, bets_stop, walks_of
from harness.stats.margin_power import margin_size
from harness.stats.paired_stop import PairedStop, walk_stop, walks_of_pairs
from harness.stats.power import difference_size, paired_spread, tost_size
from harness.stats.relations import Gap
from harness.stats.sequential_paired import Pairs, pair_levels
from harness.stats.two_model_power import (
    Margins,
    discordance,
    largest_correlation,
    mcnemar_size,
    size_with,
    unpaired_power,
)

GAPS = (0.02, 0.03, 0.05, 0.10, 0.15)
# Correlation of two models' right and wrong answers: none (unpaired), typical, models of one family
CORRELATIONS = (0.0, 0.5, 0.7)


@dataclass(frozen=True, slots=True)
class GapPlan:
    """For one assumed true difference: the expected verdict, and the samples needed by correlation of the answers.

    `stops`: where `claim check --run` stops for each correlation but that of unpaired samples; empty where the
    benchmark's size is unknown. `largest`: the largest correlation that the two scores can have, in place of a larger
    one.
    """

    gap: float
    word: str
    needed: tuple[int | None, ...]
    stops: tuple[PairedStop, ...] = ()
    largest: float = 1.0


def gap_plans(
    claim: Claim, rate: float, size: int | None = None, samples: PlannedSamples | None = None
) -> list[GapPlan]:
    """Plan a claim of two models, the comparator's true score being `rate`, on a benchmark of `size` items.

    `samples`: what is known and assumed of them; None: right or wrong, and independent.
    """
    gap = gap_of(claim)
    if gap.within:
        steps = [0.0, *(-step for step in GAPS if step < gap.margin)]
    elif claim.relation == "non_inferior":
        steps = [step for step in (0.0, *(-step for step in GAPS)) if step > gap.shift]
    else:
        steps = [gap.shift + step for step in (*(-step for step in GAPS), *GAPS)]
    stop = _stops(claim, size, samples or PlannedSamples()) if size else None
    return [
        GapPlan(
            step,
            _word(gap, step),
            tuple(_gap_size(claim, rate, step, one) for one in CORRELATIONS),
            tuple(stop((rate + step, rate), one) for one in CORRELATIONS if one) if stop else (),
            largest_correlation(rate + step, rate),
        )
        for step in sorted(round(step, 6) for step in steps)
        if 0 < rate + step < 1
    ]


def _stops(claim: Claim, size: int, samples: PlannedSamples) -> Callable[[tuple[float, float], float], PairedStop]:
    """Where the test of one part of the claim stops, by both true scores and their correlation."""
    gap, of_items, alpha = gap_of(claim), claim.test.about == "benchmark", claim.stats.alpha
    independent = not samples.graded and (of_items or not samples.in_groups)
    levels = pair_levels(gap, Pairs(size, of_items), [alpha]) if independent else None
    statement = Within(-gap.margin, gap.margin) if gap.within else Within(low=gap.shift)
    if not gap.upward:
        statement = Within(high=gap.shift)

    def stop(scores: tuple[float, float], correlation: float) -> PairedStop:
        truth = discordance(*scores, correlation)
        if levels is not None:
            found = walk_stop(levels, alpha, truth)
            return PairedStop(*(max(one, min(claim.stats.min_n, size)) for one in (found.half, found.most)))
        if independent:
            walks = walks_of_pairs(truth, size, of_items=of_items)
        else:
            walks = walks_of(samples.difference(scores, correlation, truth), size, of_items=of_items)
        found_by_bets = bets_stop(walks, statement, alpha, alpha, claim.stats.min_n)
        return PairedStop(found_by_bets.half, found_by_bets.most)

    return stop


def _gap_size(claim: Claim, rate: float, step: float, correlation: float) -> int | None:
    """Samples needed to show the relation, or its opposite, if the subject's score is `rate + step`."""
    alpha, gap = claim.stats.alpha, gap_of(claim)
    truth = discordance(rate + step, rate, correlation)
    spread = paired_spread(rate + step, rate, correlation)
    try:
        if gap.within:
            guess, margins = tost_size(spread, gap.margin, step, alpha), Margins(-gap.margin, gap.margin)
        else:
            # Its test is one-sided: twice the alpha of a two-sided one
            guess = difference_size(step - gap.shift, spread, 2 * alpha)
            margins = Margins(low=gap.shift) if step > gap.shift else Margins(high=gap.shift)
    except ValueError:
        return None
    if gap.shift == 0 and not gap.within:
        if correlation:
            return mcnemar_size(truth, alpha, two_sided=False)
        return size_with(lambda n: unpaired_power(n, (rate + step, rate), None, alpha), guess)
    if correlation:
        return margin_size(truth, margins, guess, alpha=alpha)
    return size_with(lambda n: unpaired_power(n, (rate + step, rate), margins, alpha), guess)


def _word(gap: Gap, step: float) -> str:
    if gap.within:
        return "supported"
    return "supported" if (step > gap.shift) == gap.upward else "refuted"
