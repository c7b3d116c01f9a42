"""The result of testing a statement in both directions: what every test of a score or difference returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """One statement about a number, tested in both directions.

    `p_against` is the p-value under "the statement is true", `p_for` under "it is false": a small one refutes it, or
    supports it. `needed`: further samples to settle it if the truth is what was observed; None if unknown.
    """

    p_against: float
    p_for: float
    needed: int | None = None
