"""Claims: the verdict on each in the words of `claim check`, its numbers as gauges, and the paths of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.claims.path_text import bound_text, reading, required_text
from harness.claims.text import (
    ASIDE,
    ASSUMED,
    DECIDING,
    MEANINGS,
    TRY_IT,
    WORDS,
    because,
    evidence_lines,
    summary_table,
)
from harness.claims.verdict import Evidence, Verdict
from harness.html_report.charts.gauge import Gauge, Strip, gauge, limits_of
from harness.html_report.document import Material, Section
from harness.html_report.sections.claim_paths import PathView, path_views

FIXED = "The number of samples was fixed in advance: there is no stop, and no path of the evidence to show."


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One piece of evidence: its number in words, the further lines, and its place on the gauge (None: text alone)."""

    number: str
    reading: str
    lines: tuple[str, ...]
    strip: Strip | None


@dataclass(frozen=True, slots=True)
class Group:
    """Evidence on one scale; without `gauge` as text alone. `required`: what the numbers must be, in words."""

    rows: tuple[EvidenceView, ...]
    gauge: Gauge | None = None
    required: str = ""


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One verdict. `anchor`: its id in the page; `word` names its style; `stand_in`: the verdict on a stand-in."""

    anchor: str
    claim: str
    quote: str
    word: str
    title: str
    meaning: str
    because: str
    tested: str
    cautions: tuple[str, ...]
    deciding: tuple[Group, ...]
    aside: tuple[Group, ...]
    aside_count: int
    paths: tuple[PathView, ...]
    fixed: str
    assumptions: tuple[str, ...]
    run_ids: tuple[str, ...]
    try_it: tuple[str, ...]
    model: str
    stand_in: ClaimView | None


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """A line of the summary, and the place in the page that it leads to."""

    anchor: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """The summary of all claims, then each claim; `headings`: those of a verdict's parts."""

    headings: Headings
    columns: tuple[str, ...]
    rows: tuple[SummaryRow, ...]
    notes: tuple[str, ...]
    claims: tuple[ClaimView, ...]


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of the parts, as `claim check` prints them."""

    deciding: str = DECIDING
    aside: str = ASIDE
    assumed: str = ASSUMED
    try_it: str = TRY_IT


def build(material: Material) -> Section | None:
    """Show the verdicts; None without a claim."""
    if not material.verdicts:
        return None
    claims = tuple(_claim(verdict, f"claim-{place}") for place, verdict in enumerate(material.verdicts, start=1))
    anchors = tuple(one.anchor for claim in claims for one in (claim, claim.stand_in) if one is not None)
    table = summary_table(material.verdicts, "")
    rows = tuple(SummaryRow(anchor, row.cells) for anchor, row in zip(anchors, table.rows, strict=True))
    view = ClaimsView(Headings(), tuple(column.heading for column in table.columns), rows, table.notes, claims)
    return Section("claims", "Claims", _lead(material.verdicts), view)


def _lead(verdicts: Sequence[Verdict]) -> str:
    counts = {word: sum(verdict.word == word for verdict in verdicts) for word in WORDS}
    found = ", ".join(f"{count} {WORDS[word].lower()}" for word, count in counts.items() if count)
    return f"{len(verdicts)} claim{'s' if len(verdicts) > 1 else ''}: {found}."


def _claim(verdict: Verdict, anchor: str) -> ClaimView:
    deciding = [one for one in verdict.evidence if not one.faults]
    aside = [one for one in verdict.evidence if one.faults]
    return ClaimView(
        anchor=anchor,
        claim=verdict.claim,
        quote=verdict.quote,
        word=verdict.word,
        title=WORDS[verdict.word],
        meaning=MEANINGS[verdict.word],
        because=because(verdict),
        tested=verdict.tested,
        cautions=verdict.cautions,
        deciding=_groups(deciding),
        aside=_groups(aside),
        aside_count=len(aside),
        paths=path_views(verdict.paths),
        fixed=FIXED if not verdict.paths and any(one.test and one.run_id for one in deciding) else "",
        assumptions=verdict.assumptions,
        run_ids=verdict.run_ids,
        try_it=verdict.try_it,
        model=verdict.model,
        stand_in=None if verdict.stand_in is None else _claim(verdict.stand_in, f"{anchor}-stand-in"),
    )


def _groups(evidence: Sequence[Evidence]) -> tuple[Group, ...]:
    """Scores, differences, then what has no place on a scale; numbers that were tested alike are together."""
    kinds: dict[object, list[Evidence]] = {}
    for one in evidence:
        required = None if one.faults else one.required
        kinds.setdefault((one.baseline is not None, required) if _drawn(one) else None, []).append(one)
    texts = kinds.pop(None, [])
    found = [_group(ones) for ones in kinds.values()]
    return (*found, Group(tuple(_view(one, None) for one in texts))) if texts else tuple(found)


def _group(evidence: Sequence[Evidence]) -> Group:
    first = evidence[0]
    difference, required = first.baseline is not None, None if first.faults else first.required
    numbers = [number for one in evidence for number in (one.value, one.low, one.high) if number is not None]
    limits = limits_of(difference=difference, numbers=numbers)
    if required is None:
        drawn = gauge(numbers, limits, signed=difference)
        return Group(tuple(_view(one, drawn) for one in evidence), drawn)
    ends = (required.low, required.high)
    low, high = ("" if end is None else bound_text(end, signed=difference) for end in ends)
    drawn = gauge(numbers, limits, ends, (low, high), signed=difference)
    rows = tuple(_view(one, drawn) for one in evidence)
    return Group(rows, drawn, required_text(required, difference=difference))


def _view(one: Evidence, drawn: Gauge | None) -> EvidenceView:
    number, *lines = evidence_lines(one)
    strip = None if drawn is None or one.value is None else drawn.strip(one.value, one.low, one.high)
    return EvidenceView(number, reading(one), tuple(lines), strip)


def _drawn(one: Evidence) -> bool:
    """Whether a number is a score or a difference; ratings of other scales are text."""
    return one.value is not None and not one.text and (one.baseline is not None or 0 <= one.value <= 1)
