"""Notes on an interval beside a sequential test: where it differs from the estimate or from the verdict."""

from __future__ import annotations

from harness.claims.verdict import Required
from harness.stats.hypothesis import HypothesisTest

ROUNDING = 1e-9


def outside_note(value: float, low: float, high: float) -> tuple[str, ...]:
    """A note for an estimate outside its interval, which has what was left out at any sample, not only at the last."""
    if low - ROUNDING <= value <= high + ROUNDING:
        return ()
    return ("the value so far lies outside its interval: earlier answers had already excluded it",)


def differing_note(
    low: float, high: float, required: Required, test: HypothesisTest, levels: tuple[float, float]
) -> tuple[str, ...]:
    """A note where the interval alone would say something else than the test of this part.

    `levels`: the alpha at which the part refutes, and at which it supports.
    """
    least, most = required.low, required.high
    beyond = (least is not None and high < least - ROUNDING) or (most is not None and low > most + ROUNDING)
    within = (least is None or low >= least - ROUNDING) and (most is None or high <= most + ROUNDING)
    said = "refuted" if beyond else "supported" if within else "open"
    tested = "refuted" if test.p_against <= levels[0] else "supported" if test.p_for <= levels[1] else "open"
    if said == tested:
        return ()
    return (f"by the interval alone this part would be {said}; the test, which decides, has it {tested}",)
