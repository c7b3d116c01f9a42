"""Verdicts as plain text, Markdown and JSON, and sample size plans as tables. Computes no number.

Every verdict shows the sentence, what was tested, the word, the rule that gave it, each number with interval, n and
source, the assumptions, the run ids, and what the reader can run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.claims.planned_samples import GROUPED
from harness.claims.verdict import USUAL_CONFIDENCE
from harness.report.tables import UNKNOWN, Column, Row, Table
from harness.report.wrapping import shortened, wrapped

if TYPE_CHECKING:
    from harness.claims.page import Claim
    from harness.claims.planned_gaps import GapPlan
    from harness.claims.planned_scores import ScorePlan, StopPlan
    from harness.claims.planning import Power
    from harness.claims.verdict import Evidence, Verdict

VERDICTS_SCHEMA = 1
STOPS = "Stop: samples after which half / 80 % of the runs of `harness claim check {} --run` end, on one task."
WIDTH = 100
# The headings of the numbers that a verdict rests on, and of the others
DECIDING, ASIDE = "Evidence", "Numbers that decide nothing"
ASSUMED = "Assumed, because the sentence does not state it"
TRY_IT = "What you can do"
BY_BETS = (
    "On {0} {1}: `harness claim check --run` tests {2} by bets. n is for independent samples that are right or wrong."
)
CONTROLLED = "Items: the test takes their difficulty from {} as a control variate; {}."
# The power of a plan
POWER = 0.8
# The largest correlation in the columns of a plan
LARGEST_R = 0.7
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
    "supported": "the evidence confirms it at the stated error rate",
    "refuted": "the evidence contradicts it at the stated error rate",
    "inconclusive": "the evidence neither confirms nor contradicts it",
    "protocol_differs": "numbers exist, but under another or an unreported protocol",
    "not_testable_here": "no data available to test it",
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text before it is wrapped: `first` begins the first line, `rest` each of the others."""

    words: str
    first: str = ""
    rest: str = ""

    def lines(self, width: int) -> list[str]:
        """Return them in lines of at most `width` cells."""
        return wrapped(self.words, width, first=self.first, rest=self.rest)


def summary_table(verdicts: Sequence[Verdict], title: str) -> Table:
    """Return one row per claim, and one more for a stand-in."""
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
                Row((f"{own.claim} (stand-in)", WORDS[own.word], own.model, "judged by its own numbers"), primary=False)
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
        yield Paragraph(f"Stand-in {verdict.stand_in.model}, by its own numbers:", "  ", "  ")
        yield from _body(verdict.stand_in)
    if verdict.try_it:
        yield Paragraph("")
        yield Paragraph(TRY_IT, "  ")
        for one in verdict.try_it:
            yield Paragraph(one, "    - ", "      ")


def markdown(verdict: Verdict) -> str:
    """Return a verdict as Markdown."""
    lines = [f"### {verdict.claim}: {WORDS[verdict.word]}", "", f"> {verdict.quote}", ""]
    lines += [f"- **Tested:** {_safe(verdict.tested)}", f"- **Rule:** {_safe(because(verdict))}"]
    lines += [
        f"- **{'Decides nothing' if one.faults else 'Evidence'}:** {_safe('; '.join(evidence_lines(one)))}"
        for one in verdict.evidence
    ]
    lines += [f"- **Assumed:** {_safe(line)}" for line in verdict.assumptions]
    lines += [f"- **Caution:** {_safe(line)}" for line in verdict.cautions]
    lines += [f"- **Run:** {run}" for run in verdict.run_ids]
    lines += [f"- **What you can do:** {_safe(line)}" for line in verdict.try_it]
    if verdict.stand_in is not None:
        lines += ["", f"Stand-in {verdict.stand_in.model}, by its own numbers:", "", markdown(verdict.stand_in)]
    return "\n".join(lines) + "\n"


def document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the verdicts for JSON, numbers as computed; without what only charts need (bars, paths of evidence).

    An interval without `confidence` is at 95 %.
    """
    return {"schema": VERDICTS_SCHEMA, "verdicts": [_values(verdict) for verdict in verdicts]}


def _values(verdict: Verdict) -> dict[str, Any]:
    values = asdict(replace(verdict, paths=(), stand_in=None))
    del values["paths"]
    for evidence in values["evidence"]:
        del evidence["required"]
        if evidence["confidence"] == USUAL_CONFIDENCE:
            del evidence["confidence"]
    return values | {"stand_in": None if verdict.stand_in is None else _values(verdict.stand_in)}


def claim_lines(claim: Claim, tested: str, assumptions: Sequence[str], width: int = WIDTH) -> Iterator[str]:
    """Yield a claim as it is interpreted, before any evidence, in lines of at most `width` cells."""
    for paragraph in _understood(claim, tested, assumptions):
        yield from paragraph.lines(width)


def _understood(claim: Claim, tested: str, assumptions: Sequence[str]) -> Iterator[Paragraph]:
    yield Paragraph(f'{claim.id}: "{claim.quote}"')
    when = f", {claim.source.date}" if claim.source.date else ""
    wording = "" if claim.source.wording == "verbatim" else ", in substance"
    yield _field("Published by", f"{claim.source.url} ({claim.source.kind}{when}{wording})")
    if claim.source.note:
        yield _field("", claim.source.note)
    yield _field("Read as", claim.reading)
    yield _field("Tested as", tested)
    for at, one in enumerate(assumptions):
        yield _field("Assumed" if not at else "", one)
    yield _field("Runs on", claim.subject.runnable or "no machine of a reader; see below")
    if claim.subject.stand_in:
        stand_in = claim.subject.stand_in
        yield _field(
            "Stand-in", f"{stand_in.model} on {', '.join(stand_in.tasks)}: demonstrates the check, decides nothing"
        )
    yield _field("Numbers", f"{len(claim.published)} published, {len(claim.evidence)} facts")


def power_table(power: Power) -> Table:
    """Return the table of one task's plans."""
    return _score_plans(power) if power.scores else _gap_plans(power)


def _body(verdict: Verdict) -> Iterator[Paragraph]:
    yield _field("Verdict", f"{WORDS[verdict.word]} ({MEANINGS[verdict.word]})")
    yield _field("Because", because(verdict))
    yield _field("Tested", verdict.tested)
    for caution in verdict.cautions:
        yield _field("Caution", caution)
    deciding = [one for one in verdict.evidence if not one.faults]
    aside = [one for one in verdict.evidence if one.faults]
    for heading, group in ((DECIDING, deciding), (ASIDE, aside)):
        if group:
            yield Paragraph(heading, "  ")
            for one in group:
                first, *rest = evidence_lines(one)
                yield Paragraph(first, "    - ", "      ")
                for line in rest:
                    yield Paragraph(line, "      ", "      ")
    if verdict.assumptions:
        yield Paragraph(ASSUMED, "  ")
        for line in verdict.assumptions:
            yield Paragraph(line, "    - ", "      ")
    if verdict.run_ids:
        yield _field("Runs", ", ".join(verdict.run_ids))


def because(verdict: Verdict) -> str:
    """The rule that gave the verdict, as one sentence; for an open one also the samples still needed."""
    needed = f"; about {verdict.needed} more samples would settle it, if the observed value is the true one"
    return verdict.rule + (needed if verdict.word == "inconclusive" and verdict.needed else "") + "."


def evidence_lines(one: Evidence) -> Iterator[str]:
    """The number; then its source; then why it decides nothing; then notes."""
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
        return f"{value}, all {one.n} items"
    interval = f"[{one.low:+.3f}, {one.high:+.3f}]" if difference else f"[{one.low:.3f}, {one.high:.3f}]"
    return f"{value}, {level_text(one.confidence)} % interval {interval}, n {one.n} ({one.method})"


def level_text(confidence: float) -> str:
    """A confidence in per cent; one below 1 is never shown as 100."""
    for digits in range(3, 16):
        text = f"{100 * confidence:.{digits}g}"
        if confidence == 1 or float(text) < 100:
            return text
    return "nearly 100"


def _field(name: str, value: str) -> Paragraph:
    label = f"{name}: " if name else ""
    return Paragraph(value, f"  {label:<13}", " " * 15)


def _safe(line: str) -> str:
    for sign in "\\|*_<`":
        line = line.replace(sign, f"\\{sign}")
    return " ".join(line.split())


def _score_plans(power: Power) -> Table:
    columns = (
        Column("True score", number=False, key=True),
        Column("Expected", number=False),
        Column("n, fixed"),
        Column("Stop, skill"),
        Column("Stop, items"),
        Column(f"Power, {power.size}" if power.size else "Power"),
    )
    rows = tuple(Row(_score_cells(plan)) for plan in power.scores)
    notes = [
        "n, fixed: samples for one decision at the claim's error rate with power 80 %, as many problems as that takes."
    ]
    if power.size:
        notes += [
            f"Stop: samples after which half / 80 % of the runs of `harness claim check {power.claim} --run` end.",
            "Skill: does the score hold for other problems of this kind (generalisation)? Items: the score on exactly "
            "these.",
            *_controlled(power),
            f"Power, {power.size}: probability that the skill is decided so when all items may be used.",
        ]
    else:
        notes.append(
            f"The size of {power.task} is not known (`expected_count` of its page), so where a run stops is not either."
        )
    notes += _by_bets(power, "the skill" if power.by_bets == GROUPED else "it")
    if power.size:
        poor = [f"{plan.truth:g}" for plan in power.scores if plan.power is not None and plan.power < POWER]
        if poor:
            notes.append(f"With all {power.size} items the power for a true score of {', '.join(poor)} is below 80 %.")
    return Table(f"{power.claim} on {power.task}: {power.relation} {power.bar:g}", columns, rows, tuple(notes))


def _by_bets(power: Power, what: str) -> list[str]:
    """Notes on a test by bets, and on what its stops assume."""
    if not power.by_bets:
        return []
    return [BY_BETS.format(power.task, power.by_bets, what), *power.assumed]


def _controlled(power: Power) -> list[str]:
    """A note on the items' difficulty, where the test uses it."""
    if not power.difficulty:
        return []
    predicted = any(plan.items for plan in power.scores)
    how = "its stops are simulated, with a fixed seed" if predicted else "where it stops is not predicted here"
    return [CONTROLLED.format(power.difficulty, how)]


def _score_cells(plan: ScorePlan) -> tuple[str, ...]:
    return (
        f"{plan.truth:g}",
        plan.word,
        _count(plan.needed_skill),
        _stop(plan.skill),
        _stop(plan.items),
        UNKNOWN if plan.power is None else f"{100 * plan.power:.0f} %",
    )


def _stop(plan: StopPlan | None) -> str:
    return UNKNOWN if plan is None else f"{plan.half} / {plan.most}"


def _gap_plans(power: Power) -> Table:
    columns = (
        Column("True difference", number=False, key=True),
        Column("Expected", number=False),
        Column("n (unpaired)"),
        Column("n (paired, r = 0.5)"),
        Column("n (paired, r = 0.7)"),
        *([Column("Stop, r = 0.5"), Column("Stop, r = 0.7")] if power.size else []),
    )
    rows = tuple(Row(_gap_cells(plan)) for plan in power.gaps)
    size = f"{power.task} has {power.size} items." if power.size else f"The size of {power.task} is not known."
    notes = (
        f"n: samples for one comparison with power 80 %, the other model's true score being {power.rate:g}.",
        "Paired: both models on the same samples; r: correlation of their answers (typically 0.5, in one family 0.7).",
        size,
        *_by_bets(power, "it"),
        *([STOPS.format(power.claim)] if power.size else []),
        *_clipped(power.gaps),
    )
    shift = f" by {power.bar:g}" if power.bar else ""
    return Table(f"{power.claim} on {power.task}: {power.relation}{shift}", columns, rows, notes)


def _clipped(plans: Sequence[GapPlan]) -> list[str]:
    """A note on the differences at which answers cannot correlate as the columns say."""
    poor = [f"{plan.gap:+g} (r = {plan.largest:.2f})" for plan in plans if plan.largest < LARGEST_R]
    if not poor:
        return []
    return [f"With these differences answers cannot correlate more than so; a larger r is replaced: {', '.join(poor)}."]


def _gap_cells(plan: GapPlan) -> tuple[str, ...]:
    return (f"{plan.gap:+g}", plan.word, *map(_count, plan.needed), *(f"{one.half} / {one.most}" for one in plan.stops))


def _count(n: int | None) -> str:
    return UNKNOWN if n is None else str(n)
