"""The result of testing a statement in both directions: the return type of every test of a score or difference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HypothesisTest:
    """One statement about a number, tested in both directions.

    `p_against` is the p-value under "the statement is true" (small: refuted), `p_for` under "it is false" (small:
    supported). `needed`: further samples to settle it if the observed value is the true one; None if unknown.
    """

    p_against: float
    p_for: float
    needed: int | None = None
