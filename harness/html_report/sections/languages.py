"""Languages as a sorted strip: score and interval, the margin below English, chance, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.languages import Language, LanguageCount
from harness.analysis.related_tasks import languages, metrics_of, suite_of
from harness.html_report.charts.scale import Scale, Tick
from harness.html_report.charts.strip import Strip, strip
from harness.html_report.document import Material, ReportRun, Section
from harness.report.languages import language_table, left_out_lines
from harness.report.tables import Table, interval_text, score_text

LEAD = (
    "Languages by their score, with 95 % intervals. A language counts if it is shown to be above chance and not "
    "further below English than the margin; the number of such languages is bounded, not guessed."
)


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language. `holds`: yes, no or not shown, as the table has it; `mark`: its sign in the chart."""

    label: str
    task: str
    score: str
    interval: str
    holds: str
    mark: str
    strip: Strip


@dataclass(frozen=True, slots=True)
class RunLanguages:
    """One run: `sentence` says how many languages hold; places of chance, English and the margin below it.

    `rows` is empty, and `table` None, where languages were not counted; `notes` say why.
    """

    run: str
    series: int
    sentence: str
    rule: str
    rows: tuple[LanguageRow, ...]
    ticks: tuple[Tick, ...]
    chance: float
    english: float
    margin: float
    notes: tuple[str, ...]
    table: Table | None


def build(material: Material) -> Section | None:
    """Show the languages of each run whose suite has a rule for them."""
    parts = [part for series, run in enumerate(material.runs) if (part := _of_run(run, series)) is not None]
    return Section("languages", "Languages", LEAD, tuple(parts)) if parts else None


def _of_run(run: ReportRun, series: int) -> RunLanguages | None:
    counted = languages(suite_of(run.manifest), run.records, metrics_of(run.estimates))
    if counted is None:
        return None
    left = left_out_lines(counted.left_out)
    found, scale = counted.found, Scale(0.0, 1.0)
    if found is None:
        why = (*left, f"{counted.rule.english}: languages are not counted without it")
        return RunLanguages(run.label, series, "", "", (), (), 0.0, 0.0, 0.0, why, None)
    table = language_table(found, f"{run.label} in {len(found.languages)} languages", left)
    english = next(each.accuracy for each in found.languages if each.name == found.english)
    cut = _prefix([each.name for each in found.languages])
    ordered = sorted(found.languages, key=lambda each: (-each.accuracy, each.name))
    return RunLanguages(
        run=run.label,
        series=series,
        sentence=table.notes[0],
        rule=_rule(found, english),
        rows=tuple(_row(each, each.name[cut:], scale) for each in ordered),
        ticks=scale.ticks(3),
        chance=scale.place(found.chance),
        english=scale.place(english),
        margin=scale.place(english - found.margin),
        notes=left,
        table=table,
    )


def _rule(found: LanguageCount, english: float) -> str:
    sure = f"{100 * (1 - found.alpha):g} %"
    return (
        f"Dotted line: chance ({score_text(found.chance)}). Solid line: {found.english} ({score_text(english)}). "
        f"Dashed line: the margin below it ({score_text(english - found.margin)}). Being right of the dashed line is "
        f"not enough: what counts is the paired test, at {sure} over all languages together."
    )


def _row(each: Language, label: str, scale: Scale) -> LanguageRow:
    holds = "yes" if each.shown else "no" if each.refuted else "not shown"
    return LanguageRow(
        label=label,
        task=each.name,
        score=score_text(each.accuracy),
        interval=interval_text(each.low, each.high),
        holds=holds,
        mark={"yes": "full", "no": "cross", "not shown": "open"}[holds],
        strip=strip(each.accuracy, each.low, each.high, scale),
    )


def _prefix(names: list[str]) -> int:
    """The length of what all names begin with, up to a `_`: the page's name, which tells no language from another."""
    first, last = min(names), max(names)
    same = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:same].rfind("_") + 1 if len(names) > 1 else 0
