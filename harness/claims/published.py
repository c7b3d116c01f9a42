"""Evidence for a claim from published numbers.

Guarantees: a number decides only if it is of the claim's model, on a task of the claim, under the claim's protocol,
with its n reported; every other one is listed as evidence that decides nothing, with the reasons. A share of n items is
taken as that many whole right answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.claims.page import THRESHOLDS, Checked, Claim, Party, Published
from harness.claims.protocol import is_named, published_faults
from harness.claims.verdict import Evidence, Required
from harness.stats.hypothesis import HypothesisTest
from harness.stats.intervals import wilson
from harness.stats.relations import Gap, unpaired_test
from harness.stats.thresholds import Bar, count_test

HOW_SURE: dict[Checked, str] = {
    "read": "",
    "second_hand": "second-hand: read in a copy of the source",
    "not_checked": "not checked: from memory",
}


@dataclass(frozen=True, slots=True)
class PublishedEvidence:
    """Evidence from published numbers; `missing`: the parts of the claim that none of them decides."""

    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...] = ()


def bar_of(claim: Claim, size: int | None) -> Bar:
    """The threshold of a score; `size` is used only where the claim is about exactly the benchmark's items."""
    whole = size if claim.test.about == "benchmark" else None
    if claim.relation == "=":
        return Bar(claim.bar, size=whole, width=claim.width)
    return Bar(claim.bar, claim.relation in (">=", ">"), claim.relation in (">", "<"), whole)


def gap_of(claim: Claim) -> Gap:
    """The required difference: `by` minus the tolerance above (or below) the comparator, or within the margin."""
    upward = claim.relation not in ("<", "<=")
    if claim.relation == "within":
        return Gap(margin=claim.tolerance, within=True)
    shift = round((claim.by or 0.0) - claim.tolerance, 12)
    return Gap(upward, shift if upward else -shift, times=claim.times or 1.0)


def required_of(claim: Claim) -> Required:
    """What a score, or a difference from a comparator, must be for the claim to hold: `bar_of` or `gap_of`."""
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        bar = bar_of(claim, None)
        if bar.width is not None:
            return Required(claim.relation, round(bar.value - bar.width, 12), round(bar.value + bar.width, 12))
        return Required(claim.relation, bar.value) if bar.at_least else Required(claim.relation, None, bar.value)
    gap = gap_of(claim)
    if gap.within:
        return Required(claim.relation, -gap.margin, gap.margin)
    return Required(claim.relation, gap.shift) if gap.upward else Required(claim.relation, None, gap.shift)


def enough(claim: Claim, one: Evidence) -> Evidence:
    """The evidence, which decides nothing if it is of fewer samples than the claim wants (`stats.min_n`)."""
    least = claim.stats.min_n
    if one.test is None or one.n is None or one.n >= least:
        return one
    note = f"decides nothing: a verdict needs {least} samples (stats.min_n)"
    return replace(one, test=HypothesisTest(1.0, 1.0, least - one.n), notes=(*one.notes, note))


def of_published(claim: Claim) -> PublishedEvidence:
    """Test every published number of the claim."""
    parties = [claim.subject, *claim.comparators]
    owners = [(row, next((party for party in parties if is_named(row.model, party)), None)) for row in claim.published]
    faults = [() if party is None else _faults(claim, party, row) for row, party in owners]
    subject = [(row, fault) for (row, party), fault in zip(owners, faults, strict=True) if party is claim.subject]
    evidence: list[Evidence] = []
    compared: set[int] = set()
    settled: set[str] = set()
    if claim.threshold is not None and claim.relation in THRESHOLDS:
        for row, fault in subject:
            evidence.append(enough(claim, replace(_score(claim, row, fault), part=row.task)))
            compared.add(id(row))
            if not fault:
                settled.add(row.task)
    else:
        for row, fault in subject:
            for (other, party), other_fault in zip(owners, faults, strict=True):
                if fault or other_fault or party is None or party is claim.subject or other.task != row.task:
                    continue
                part = f"{row.task}, {party.model}"
                evidence.append(enough(claim, replace(_difference(claim, row, other), part=part)))
                compared |= {id(row), id(other)}
                settled.add(part)
    for (row, party), fault in zip(owners, faults, strict=True):
        if id(row) not in compared:
            aside = _undecided(row, fault or _why_not_compared(claim, row))
            evidence.append(replace(aside, role="subject" if party is claim.subject else "comparator"))
    return PublishedEvidence(tuple(evidence), tuple(part for part in parts_of(claim) if part not in settled))


def parts_of(claim: Claim) -> list[str]:
    """The parts of a claim that each need evidence: tasks, or tasks times comparators."""
    if claim.comparators and claim.threshold is None:
        return [f"{task}, {party.model}" for task in claim.test.tasks for party in claim.comparators]
    return list(claim.test.tasks)


def whole_counts(value: float, n: int) -> tuple[int, int]:
    """A published share as (k, n)."""
    return round(value * n), n


def times_words(claim: Claim) -> str:
    """`2 x `, before the comparator of a claim of a ratio."""
    return f"{claim.times:g} x " if claim.times else ""


def source_of(row: Published) -> str:
    """Who published a number, where and when."""
    when = f", {row.date}" if row.date else ""
    return f"{row.who} ({row.source}{when})"


def _faults(claim: Claim, party: Party, row: Published) -> tuple[str, ...]:
    faults = published_faults(claim, party, row)
    if row.task not in claim.test.tasks:
        # On another benchmark nothing else matters
        return (f"another benchmark than {', '.join(claim.test.tasks)}",)
    if row.n is None:
        faults = (*faults, "the number of items is not reported, so its error is unknown")
    return faults


def _why_not_compared(claim: Claim, row: Published) -> tuple[str, ...]:
    """Why a number without faults of its own was compared with nothing."""
    parties = (claim.subject, *claim.comparators)
    if not any(is_named(row.model, party) for party in parties):
        return ("of a model that the claim does not mention",)
    return ("no number of the other model under the same protocol to compare it with",)


def _score(claim: Claim, row: Published, faults: tuple[str, ...]) -> Evidence:
    if faults or row.n is None:
        return _undecided(row, faults)
    found = count_test(*whole_counts(row.value, row.n), bar_of(claim, row.n), claim.stats.alpha)
    return Evidence(
        _what(row),
        source_of(row),
        value=row.value,
        low=found.low,
        high=found.high,
        n=row.n,
        method=found.method,
        test=found.test,
        notes=_notes(row),
        own=row.own,
        required=required_of(claim),
    )


def _difference(claim: Claim, row: Published, other: Published) -> Evidence:
    assert row.n is not None and other.n is not None
    first, second = whole_counts(row.value, row.n), whole_counts(other.value, other.n)
    found = unpaired_test(first, second, gap_of(claim))
    sources = dict.fromkeys((source_of(row), source_of(other)))
    notes = [*_notes(row), *_notes(other)]
    if len(sources) > 1:
        notes.append("from two sources: their protocols may differ beyond the reported fields")
    return Evidence(
        f"{row.task}: {row.model} {row.value:.3f} less {times_words(claim)}{other.model} {other.value:.3f}",
        "; ".join(sources),
        value=row.value - (claim.times or 1.0) * other.value,
        low=found.low,
        high=found.high,
        n=found.n,
        method=found.method,
        baseline=found.baseline,
        test=found.test,
        notes=tuple(dict.fromkeys(notes)),
        own=row.own,
        required=required_of(claim),
    )


def _undecided(row: Published, faults: Sequence[str]) -> Evidence:
    share = row.n is not None and 0 <= row.value <= 1
    low, high = wilson(row.value, row.n) if share and row.n is not None else (None, None)
    return Evidence(
        _what(row),
        source_of(row),
        value=row.value,
        low=low,
        high=high,
        n=row.n,
        method="Wilson" if share else "",
        faults=tuple(faults),
        notes=_notes(row),
    )


def _what(row: Published) -> str:
    version = ", ".join(part for part in (row.revision, row.mode) if part)
    return f"{row.task}: {row.model}{f' ({version})' if version else ''}"


def _notes(row: Published) -> tuple[str, ...]:
    own = "self-reported by the side that the claim favours" if row.own else ""
    return tuple(note for note in (HOW_SURE[row.checked], own, row.note) if note)
