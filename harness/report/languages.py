"""In how many languages a model solves a task, as a table and as a document. Computes no number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.report.tables import UNKNOWN, Column, Row, Table

if TYPE_CHECKING:
    from harness.analysis.languages import Language, LanguageCount

COLUMNS = (
    Column("Language", number=False, key=True),
    Column("Holds", number=False, key=True),
    Column("Score"),
    Column("95 % interval"),
    Column("p (chance)"),
    Column("vs English"),
    Column("95 % interval"),
    Column("p (margin)"),
    Column("p (Holm)"),
    Column("n"),
    Column("Power"),
)


def language_table(found: LanguageCount, title: str, warnings: tuple[str, ...] = ()) -> Table:
    """Return one row per language in the suite's order, the counts as notes."""
    return Table(title, COLUMNS, tuple(Row(_cells(each)) for each in found.languages), _notes(found), warnings)


def language_document(found: LanguageCount) -> dict[str, Any]:
    """Return the document: the counts, and a row per language; numbers as computed."""
    counts = {key: value for key, value in asdict(found).items() if key != "languages"}
    return {**counts, "rows": [{**asdict(each), "accuracy": each.accuracy} for each in found.languages]}


def left_out_lines(names: Sequence[str]) -> tuple[str, ...]:
    """Return a line for each language that is not counted."""
    return tuple(f"{name}: not counted: it has no sample that is right or wrong" for name in names)


def _cells(each: Language) -> tuple[str, ...]:
    gap = each.gap
    return (
        each.name,
        "yes" if each.shown else "no" if each.refuted else "not shown",
        f"{each.accuracy:.3f}",
        f"[{each.low:.3f}, {each.high:.3f}]",
        _p(each.p_chance),
        UNKNOWN if gap is None else f"{gap.difference:+.3f}",
        UNKNOWN if gap is None else f"[{gap.low:+.3f}, {gap.high:+.3f}]",
        UNKNOWN if gap is None else _p(gap.p_within),
        _p(each.p_holm),
        str(each.n),
        f"{each.power:.2f}",
    )


def _notes(found: LanguageCount) -> tuple[str, ...]:
    tested, sure = len(found.languages), f"{100 * (1 - found.alpha):g} %"
    unpaired = [each.name for each in found.languages if each.gap is not None and not each.gap.paired]
    how = f"unpaired for {', '.join(unpaired)}" if unpaired else "paired by sample"
    return (
        f"Languages that hold: at least {found.shown} and at most {found.at_most} of {tested} (each bound with "
        f"{sure} confidence, Holm over {tested}). By point estimates alone: {found.seen}.",
        f"A language holds if above {found.chance:g} (chance; {found.above_chance} shown, exact binomial test) "
        f"and at most {found.margin:g} below {found.english} ({found.within} shown, non-inferiority, {how}).",
        "p: of each criterion and language alone; p (Holm): of both criteria, adjusted over all languages; shown at <= "
        f"{found.alpha:g}. Power: at least this power for a language as good as English.",
    )


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
