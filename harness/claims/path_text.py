"""What a claim requires of a number, and how the evidence on it grew, in words. Computes no number."""

from __future__ import annotations

import math

from harness.claims.verdict import CERTAIN, Evidence, EvidencePath, Required
from harness.report.tables import score_text

# Beyond these an e-value's digits say nothing
LARGEST, SMALLEST = 1e6, 1e-3
ENDS = {">=": "at least", ">": "above", "<=": "at most", "<": "below", "non_inferior": "above"}


def required_text(required: Required, *, difference: bool) -> str:
    """What the number must be: `at least 0.85`, `a difference above 0`, `from 0.745 to 0.755`."""
    prefix = "a difference " if difference else ""
    if required.low is not None and required.high is not None:
        ends = f"{bound_text(required.low, signed=difference)} to {bound_text(required.high, signed=difference)}"
        return f"{prefix}from {ends}"
    end = required.low if required.low is not None else required.high
    return f"{prefix}{ENDS[required.relation]} {bound_text(end or 0.0, signed=difference)}"


def bound_text(value: float, *, signed: bool) -> str:
    """A threshold as it was given: 0.85, +0.1, 0."""
    return f"{value:+g}" if signed and value else f"{value:g}"


def reading(one: Evidence) -> str:
    """How a number's interval lies to what the claim requires, as a sentence; empty without an interval."""
    if one.required is None or one.low is None or one.high is None or one.value is None or one.faults:
        return ""
    inside = [_meets(end, one.required) for end in (one.low, one.high)]
    apart = _apart(one.low, one.high, one.required)
    if one.method == "all items":
        return f"All items were run: the score is exact and {'meets' if inside[0] else 'misses'} the claim."
    if all(inside):
        return "The whole interval is in the range that meets the claim."
    if apart:
        return "The whole interval is outside the range that meets the claim."
    return "The interval has values that meet the claim and values that do not."


def path_sentence(path: EvidencePath) -> str:
    """The chart of a path in one or two sentences, for those who do not see it."""
    if not path.used:
        return f"{path.part}: no sample was used."
    if path.by_counts:
        return _edges_sentence(path)
    number = f"the difference {path.value[-1]:+.3f}" if path.difference else f"the score {score_text(path.value[-1])}"
    level = (
        f"{path.part}: after {path.used[-1]} of {path.total} samples {number}, the e-value for refuting the claim "
        f"{e_value_text(path.log_refuted[-1])} ({e_value_text(path.bound_refuted)} is enough), for supporting it "
        f"{e_value_text(path.log_supported[-1])} ({e_value_text(path.bound_supported)} is enough)."
    )
    return f"{level} {_end_sentence(path)}"


def _edges_sentence(path: EvidencePath) -> str:
    low, high = max(0.0, path.low_edge[-1]), min(1.0, path.high_edge[-1])
    level = (
        f"{path.part}: after {path.used[-1]} of {path.total} samples the score {score_text(path.value[-1])}; a score "
        f"of {score_text(low)} or less settles it there as {path.low_word}, of {score_text(high)} or more as "
        f"{path.high_word}."
    )
    return f"{level} {_end_sentence(path)}"


def _end_sentence(path: EvidencePath) -> str:
    crossing = path.crossing
    if crossing is None:
        return "Neither bound was reached."
    if path.overruled is not None:
        wrong = "supports" if crossing.word == "refuted" else "refutes"
        return (
            f"The bound that {wrong} it was reached before; {crossing.used} samples settle it for certain as "
            f"{crossing.word}{saved_text(path)}."
        )
    when = f"The bound that settles it as {crossing.word} was reached after {crossing.used} samples"
    return f"{when}{saved_text(path)}."


def saved_text(path: EvidencePath) -> str:
    """`; 68 were not needed`; empty where all samples were used."""
    left = path.total - path.stop
    return f"; {left} {'was' if left == 1 else 'were'} not needed" if left else ""


def e_value_text(log_e: float) -> str:
    """An e-value from its ln, with two or three figures."""
    if log_e >= CERTAIN:
        return "infinite (certain)"
    if log_e > math.log(LARGEST):
        return "more than a million"
    if log_e < math.log(SMALLEST):
        return "less than 0.001"
    value = math.exp(log_e)
    return f"{value:.0f}" if value >= 9.95 else f"{value:.2g}"


def _meets(value: float, required: Required) -> bool:
    above = required.low is None or value > required.low or (value == required.low and required.relation != ">")
    below = required.high is None or value < required.high or (value == required.high and required.relation != "<")
    return above and below


def _apart(low: float, high: float, required: Required) -> bool:
    """Whether an interval lies wholly beyond one end of the required range."""
    beneath = required.low is not None and high < required.low
    return beneath or (required.high is not None and low > required.high)
