"""Claims: the verdict on each in the words of `claim check`, its numbers as gauges, and the paths of the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
)
from harness.claims.verdict import Evidence, Verdict
from harness.html_report.charts.gauge import Gauge, Strip, gauge, limits_of
from harness.html_report.document import Material, ReportRun, Section
from harness.html_report.sections.claim_paths import PathView, path_views

FIXED = "The number of samples was fixed in advance: there is no stop, and no path of the evidence to show."


SYMBOLS = {"supported": "✓", "refuted": "✗", "inconclusive": "?", "protocol_differs": "≠", "not_testable_here": "–"}
CHOSEN = (
    "A stand-in is judged by its own numbers. Without --subject it is the first of the given runs that is of no model "
    "of the claim; claims about two models compare it with the other runs. A claim has none where a run of its own "
    "model was judged."
)
# Digits of a run's id that tell runs apart
ID = 8


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One piece of evidence: its number in words, the further lines, and its place on the gauge (None: text alone)."""

    number: str
    reading: str
    lines: tuple[str, ...]
    strip: Strip | None


@dataclass(frozen=True, slots=True)
class Group:
    """Evidence on one scale; without `gauge` as text alone. `required`: what the numbers must be, in words.

    `reason`: why none of them decides, if so.
    """

    rows: tuple[EvidenceView, ...]
    gauge: Gauge | None = None
    required: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence; `words` instead, if it is a command."""

    text: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimView:
    """One verdict. `anchor`: its id in the page; `word` names its style; `stand_in`: the verdict on a stand-in."""

    anchor: str
    claim: str
    quote: str
    word: str
    symbol: str
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
    runs: tuple[str, ...]
    try_it: tuple[tuple[Piece, ...], ...]
    model: str
    stand_in: ClaimView | None


@dataclass(frozen=True, slots=True)
class ClaimsView:
    """The claims; those with a verdict on a stand-in, and about which models these decide nothing.

    `headings`: those of a verdict's parts; `notes`: what the words of the verdicts mean.
    """

    headings: Headings
    claims: tuple[ClaimView, ...]
    standing_in: tuple[ClaimView, ...]
    subjects: str
    chosen: str
    notes: tuple[str, ...]


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
    verdicts = [_without_needless_stand_in(verdict) for verdict in material.verdicts]
    names = {run.manifest.run_id: _name(run) for run in material.runs}
    claims = tuple(_claim(verdict, f"claim-{place}", names) for place, verdict in enumerate(verdicts, start=1))
    standing_in = tuple(claim for claim in claims if claim.stand_in is not None)
    subjects = ", ".join(dict.fromkeys(claim.model for claim in standing_in))
    words = dict.fromkeys(own.word for one in claims for own in (one, one.stand_in) if own is not None)
    notes = tuple(f"{SYMBOLS[word]} {WORDS[word]}: {MEANINGS[word]}." for word in words)
    view = ClaimsView(Headings(), claims, standing_in, subjects, CHOSEN, notes)
    return Section("claims", "Claims", _lead(verdicts), view)


def _without_needless_stand_in(verdict: Verdict) -> Verdict:
    """No stand-in is needed where a run of the subject itself decides."""
    own = any(one.run_id and one.test is not None for one in verdict.evidence)
    return replace(verdict, stand_in=None) if own else verdict


def _name(run: ReportRun) -> str:
    folder = run.folder.resolve().name
    return f"{run.label} ({'' if folder == run.label else f'folder {folder}, '}run {run.manifest.run_id[:ID]})"


def _lead(verdicts: Sequence[Verdict]) -> str:
    counts = {word: sum(verdict.word == word for verdict in verdicts) for word in WORDS}
    found = ", ".join(f"{count} {WORDS[word].lower()}" for word, count in counts.items() if count)
    apart = sum(verdict.stand_in is not None for verdict in verdicts)
    more = f" Apart from these, {apart} of stand-in runs, which decide nothing about the claims." if apart else ""
    return f"{len(verdicts)} claim{'s' if len(verdicts) > 1 else ''}: {found}.{more}"


def _pieces(text: str) -> tuple[Piece, ...]:
    """What is in backticks as words of a command."""
    parts = text.split("`")
    return tuple(
        Piece(part, tuple(part.split()) if place % 2 and place < len(parts) - 1 else ())
        for place, part in enumerate(parts)
        if part
    )


def _claim(verdict: Verdict, anchor: str, names: Mapping[str, str]) -> ClaimView:
    deciding = [one for one in verdict.evidence if not one.faults]
    aside = [one for one in verdict.evidence if one.faults]
    stand_in = verdict.stand_in
    return ClaimView(
        anchor=anchor,
        claim=verdict.claim,
        quote=verdict.quote,
        word=verdict.word,
        symbol=SYMBOLS[verdict.word],
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
        runs=tuple(names.get(run_id, run_id) for run_id in verdict.run_ids),
        try_it=tuple(map(_pieces, verdict.try_it)),
        model=verdict.model,
        stand_in=None if stand_in is None else _claim(stand_in, f"{anchor}-stand-in", names),
    )


def _groups(evidence: Sequence[Evidence]) -> tuple[Group, ...]:
    """Scores and differences, then what has no place on a scale; numbers tested, or set aside, alike are together."""
    kinds: dict[tuple[object, tuple[str, ...]], list[Evidence]] = {}
    for one in evidence:
        required = None if one.faults else one.required
        drawn = (one.baseline is not None, required) if _drawn(one) else None
        kinds.setdefault((drawn, one.faults), []).append(one)
    texts = [ones for (drawn, _), ones in kinds.items() if drawn is None]
    found = [_group(ones) for (drawn, _), ones in kinds.items() if drawn is not None]
    return (*found, *(Group(tuple(_view(one, None) for one in ones), reason=_reason(ones[0])) for ones in texts))


def _group(evidence: Sequence[Evidence]) -> Group:
    first = evidence[0]
    difference, required = first.baseline is not None, None if first.faults else first.required
    numbers = [number for one in evidence for number in (one.value, one.low, one.high) if number is not None]
    limits = limits_of(difference=difference, numbers=numbers)
    if required is None:
        drawn = gauge(numbers, limits, signed=difference)
        return Group(tuple(_view(one, drawn) for one in evidence), drawn, reason=_reason(first))
    ends = (required.low, required.high)
    low, high = ("" if end is None else bound_text(end, signed=difference) for end in ends)
    drawn = gauge(numbers, limits, ends, (low, high), signed=difference)
    rows = tuple(_view(one, drawn) for one in evidence)
    return Group(rows, drawn, required_text(required, difference=difference))


def _reason(one: Evidence) -> str:
    return f"why not: {'; '.join(one.faults)}" if one.faults else ""


def _view(one: Evidence, drawn: Gauge | None) -> EvidenceView:
    # The reason is the group's
    number, *lines = evidence_lines(replace(one, faults=()))
    strip = None if drawn is None or one.value is None else drawn.strip(one.value, one.low, one.high)
    return EvidenceView(number, reading(one), tuple(lines), strip)


def _drawn(one: Evidence) -> bool:
    """Whether a number is a score or a difference; ratings of other scales are text."""
    return one.value is not None and not one.text and (one.baseline is not None or 0 <= one.value <= 1)
