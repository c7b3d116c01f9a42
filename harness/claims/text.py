"""Verdicts as text for a reader who knows no statistics, as Markdown, and as JSON for machines. Computes no number.

Every verdict shows the sentence, what was tested, the word, the rule that gave it, each number with interval, n and
source, what was assumed, the run ids, and what the reader can run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.report.tables import Column, Row, Table
from harness.report.wrapping import shortened, wrapped

if TYPE_CHECKING:
    from harness.claims.page import Claim
    from harness.claims.verdict import Evidence, Verdict

VERDICTS_SCHEMA = 1
WIDTH = 100
# Cells of a sentence in the summary
QUOTED = 60
WORDS = {
    "supported": "SUPPORTED",
    "refuted": "REFUTED",
    "inconclusive": "INCONCLUSIVE",
    "protocol_differs": "PROTOCOL DIFFERS",
    "not_testable_here": "NOT TESTABLE HERE",
}
MEANINGS = {
    "supported": "the evidence excludes that it is false",
    "refuted": "the evidence excludes that it is true",
    "inconclusive": "the evidence excludes neither",
    "protocol_differs": "numbers exist, but they measure something else or nobody says how",
    "not_testable_here": "there is nothing here to judge it by",
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words before they are wrapped: `first` begins the first line, `rest` each of the others."""

    words: str
    first: str = ""
    rest: str = ""

    def lines(self, width: int) -> list[str]:
        """Return them in lines of at most `width` cells."""
        return wrapped(self.words, width, first=self.first, rest=self.rest)


def summary_table(verdicts: Sequence[Verdict], title: str) -> Table:
    """Return one row a claim, and one more for a stand-in."""
    columns = (
        Column("Claim", number=False, key=True),
        Column("Verdict", number=False),
        Column("About", number=False),
        Column("Sentence", number=False, free=True),
    )
    rows = []
    for verdict in verdicts:
        rows.append(Row((verdict.claim, WORDS[verdict.word], verdict.model, shortened(verdict.quote, QUOTED))))
        if verdict.stand_in is not None:
            own = verdict.stand_in
            rows.append(
                Row((f"{own.claim} (stand-in)", WORDS[own.word], own.model, "its own numbers only"), primary=False)
            )
    words = dict.fromkeys(row.word for verdict in verdicts for row in (verdict, verdict.stand_in) if row is not None)
    return Table(title, columns, tuple(rows), tuple(f"{WORDS[word]}: {MEANINGS[word]}." for word in words))


def text(verdict: Verdict, width: int = WIDTH) -> Iterator[str]:
    """Yield a verdict as lines of plain text, each at most `width` cells."""
    for paragraph in _paragraphs(verdict):
        yield from paragraph.lines(width)


def _paragraphs(verdict: Verdict) -> Iterator[Paragraph]:
    yield Paragraph(f'{verdict.claim}: "{verdict.quote}"')
    yield Paragraph("")
    yield from _body(verdict)
    if verdict.stand_in is not None:
        yield Paragraph("")
        yield Paragraph(f"Stand-in {verdict.stand_in.model}, for itself:", "  ", "  ")
        yield from _body(verdict.stand_in)
    if verdict.try_it:
        yield Paragraph("")
        yield Paragraph("What you can do", "  ")
        for one in verdict.try_it:
            yield Paragraph(one, "    - ", "      ")


def markdown(verdict: Verdict) -> str:
    """Return a verdict as Markdown."""
    lines = [f"### {verdict.claim}: {WORDS[verdict.word]}", "", f"> {verdict.quote}", ""]
    lines += [f"- **Tested:** {_safe(verdict.tested)}", f"- **Rule:** {_safe(_because(verdict))}"]
    lines += [
        f"- **{'Decides nothing' if one.faults else 'Evidence'}:** {_safe('; '.join(_evidence(one)))}"
        for one in verdict.evidence
    ]
    lines += [f"- **Assumed:** {_safe(said)}" for said in verdict.assumptions]
    lines += [f"- **Caution:** {_safe(said)}" for said in verdict.cautions]
    lines += [f"- **Run:** {run}" for run in verdict.run_ids]
    lines += [f"- **What you can do:** {_safe(said)}" for said in verdict.try_it]
    if verdict.stand_in is not None:
        lines += ["", f"Stand-in {verdict.stand_in.model}, for itself:", "", markdown(verdict.stand_in)]
    return "\n".join(lines) + "\n"


def document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the verdicts for JSON, numbers as computed."""
    return {"schema": VERDICTS_SCHEMA, "verdicts": [asdict(verdict) for verdict in verdicts]}


def claim_lines(claim: Claim, tested: str, assumptions: Sequence[str], width: int = WIDTH) -> Iterator[str]:
    """Yield a claim as it is understood, before any evidence, in lines of at most `width` cells."""
    for paragraph in _understood(claim, tested, assumptions):
        yield from paragraph.lines(width)


def _understood(claim: Claim, tested: str, assumptions: Sequence[str]) -> Iterator[Paragraph]:
    yield Paragraph(f'{claim.id}: "{claim.quote}"')
    when = f", {claim.source.date}" if claim.source.date else ""
    wording = "" if claim.source.wording == "verbatim" else ", in substance"
    yield _field("Printed by", f"{claim.source.url} ({claim.source.kind}{when}{wording})")
    if claim.source.note:
        yield _field("", claim.source.note)
    yield _field("Read as", claim.reading)
    yield _field("Tested as", tested)
    for at, one in enumerate(assumptions):
        yield _field("Assumed" if not at else "", one)
    yield _field("Runs on", claim.subject.runnable or "no machine of a reader; see below")
    if claim.subject.stand_in:
        stand_in = claim.subject.stand_in
        yield _field("Stand-in", f"{stand_in.model} on {', '.join(stand_in.tasks)}: shows the way, decides nothing")
    yield _field("Numbers", f"{len(claim.published)} published, {len(claim.evidence)} facts")


def _body(verdict: Verdict) -> Iterator[Paragraph]:
    yield _field("Verdict", f"{WORDS[verdict.word]} ({MEANINGS[verdict.word]})")
    yield _field("Because", _because(verdict))
    yield _field("Tested", verdict.tested)
    for caution in verdict.cautions:
        yield _field("Caution", caution)
    deciding = [one for one in verdict.evidence if not one.faults]
    aside = [one for one in verdict.evidence if one.faults]
    for heading, group in (("Evidence", deciding), ("Numbers that decide nothing", aside)):
        if group:
            yield Paragraph(heading, "  ")
            for one in group:
                first, *rest = _evidence(one)
                yield Paragraph(first, "    - ", "      ")
                for line in rest:
                    yield Paragraph(line, "      ", "      ")
    if verdict.assumptions:
        yield Paragraph("Assumed, because the sentence does not say", "  ")
        for line in verdict.assumptions:
            yield Paragraph(line, "    - ", "      ")
    if verdict.run_ids:
        yield _field("Runs", ", ".join(verdict.run_ids))


def _because(verdict: Verdict) -> str:
    needed = f"; about {verdict.needed} more samples would settle it, if what was seen is the truth"
    return verdict.rule + (needed if verdict.word == "inconclusive" and verdict.needed else "") + "."


def _evidence(one: Evidence) -> Iterator[str]:
    """The number; then where it is from; then why it decides nothing; then notes."""
    if one.text:
        yield f"{one.what}: {one.text}"
    else:
        yield f"{one.what}: {_number(one)}"
    if one.source:
        yield f"from {one.source}"
    if one.faults:
        yield f"why not: {'; '.join(one.faults)}"
    for note in one.notes:
        yield f"note: {note}"


def _number(one: Evidence) -> str:
    if one.value is None:
        return "-"
    difference = one.baseline is not None
    value = f"{one.value:+.3f}" if difference else f"{one.value:.3f}" if abs(one.value) <= 1 else f"{one.value:g}"
    if one.low is None or one.high is None:
        return value + (f", n {one.n}" if one.n else "")
    if one.method == "all items":
        return f"{value}, all {one.n} items asked"
    interval = f"[{one.low:+.3f}, {one.high:+.3f}]" if difference else f"[{one.low:.3f}, {one.high:.3f}]"
    return f"{value}, 95 % interval {interval}, n {one.n} ({one.method})"


def _field(name: str, value: str) -> Paragraph:
    return Paragraph(value, f"  {f'{name}:' if name else '':<13}", " " * 15)


def _safe(line: str) -> str:
    for sign in "\\|*_<`":
        line = line.replace(sign, f"\\{sign}")
    return " ".join(line.split())
