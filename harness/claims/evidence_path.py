"""The path of a sequential test while it is fed: one step for each sample. A replay of the journal gives it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.claims.verdict import CERTAIN, EvidencePath, Required


@dataclass(slots=True)
class Steps:
    """The steps of one part of a claim, as columns."""

    used: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    log_refuted: list[float] = field(default_factory=list)
    log_supported: list[float] = field(default_factory=list)

    def add(self, used: int, value: float, log_refuted: float, log_supported: float) -> None:
        """Keep where the test is after a sample: samples used, the value so far, ln of both e-values."""
        self.used.append(used)
        self.value.append(value)
        self.log_refuted.append(_finite(log_refuted))
        self.log_supported.append(_finite(log_supported))

    def path(
        self,
        part: str,
        total: int,
        stop: int,
        bounds: Mapping[str, float],
        required: Required,
        *,
        difference: bool = False,
    ) -> EvidencePath:
        """The steps so far; `bounds`: ln of the e-values that refute and that support."""
        return EvidencePath(
            part=part,
            total=total,
            stop=stop,
            bound_refuted=bounds["refuted"],
            bound_supported=bounds["supported"],
            required=required,
            difference=difference,
            used=tuple(self.used),
            value=tuple(self.value),
            log_refuted=tuple(self.log_refuted),
            log_supported=tuple(self.log_supported),
        )


@dataclass(slots=True)
class CountSteps:
    """The steps of one part that is tested by its count of right answers: the score, and where it settles the claim."""

    used: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def add(self, used: int, value: float, low: float, high: float) -> None:
        """Keep where the test is after a sample; a score of at most `low` or at least `high` settles it there."""
        self.used.append(used)
        self.value.append(value)
        self.low.append(low)
        self.high.append(high)

    def path(self, part: str, total: int, stop: int, required: Required) -> EvidencePath:
        """The steps so far."""
        return EvidencePath(
            part=part,
            total=total,
            stop=stop,
            required=required,
            difference=False,
            used=tuple(self.used),
            value=tuple(self.value),
            low_edge=tuple(self.low),
            high_edge=tuple(self.high),
        )


def _finite(log_e: float) -> float:
    return max(-CERTAIN, min(CERTAIN, log_e))
