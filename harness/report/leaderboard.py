"""Rankings as tables and as JSON: score, interval, and the ranks that the paired comparisons leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.analysis.ranking import Ranking
from harness.report.tables import UNKNOWN, Column, Row, Table, interval_text, score_text
from harness.stats.ranks import RankRange

LEADERBOARD_SCHEMA = 1
COLUMNS = (
    Column("Run", number=False, key=True),
    Column("Ranks"),
    Column("Score"),
    Column("95 % interval"),
    Column("n"),
)
MEANING = (
    "Ranks: those that the comparisons of all pairs leave open, sample by sample; together they hold the true ranks "
    "with 95 % confidence (Holm over all pairs of a table and both directions; Mogstad et al. 2024). Intervals are of "
    "one score alone: they may overlap though a pair is distinguished."
)


def leaderboard_tables(rankings: Sequence[Ranking]) -> tuple[Table, ...]:
    """Return a table for each ranking; what the ranks mean is below the last."""
    return tuple(_table(ranking, last=ranking is rankings[-1]) for ranking in rankings)


def rank_text(ranks: RankRange | None) -> str:
    """`2`, `1-3`, or unknown."""
    if ranks is None:
        return UNKNOWN
    return str(ranks.best) if ranks.best == ranks.worst else f"{ranks.best}-{ranks.worst}"


def ranking_title(ranking: Ranking) -> str:
    """What is ranked, in one line."""
    return f"{ranking.name}{f', {ranking.part}' if ranking.overall else ''} ({ranking.metric})"


def tie_texts(ranking: Ranking) -> tuple[str, ...]:
    """Who is not distinguishable, a line for each stretch of the table."""
    return tuple(f"Not distinguishable: {', '.join(tie)}." for tie in ranking.ties)


def ranking_notes(ranking: Ranking) -> tuple[str, ...]:
    """What a reader must know of this table: its protocol, pairs that are not compared, a metric without ranks."""
    notes = ranking.notes
    if len(ranking.standings) > 1 and not ranking.pairs and not notes:
        notes = ("Not ranked: the metric has no value per sample.",)
    if ranking.differs:
        notes = (
            f"Another protocol than in the first table of {ranking.name} (first | this): {'; '.join(ranking.differs)}.",
            *notes,
        )
    return notes


def leaderboard_document(rankings: Sequence[Ranking]) -> dict[str, Any]:
    """Return the rankings for JSON, numbers as computed; `ranks` is null where there are none."""
    return {
        "schema": LEADERBOARD_SCHEMA,
        "rankings": [
            {
                "name": ranking.name,
                "metric": ranking.metric,
                "overall": ranking.overall,
                "protocol_differs": list(ranking.differs),
                "standings": [
                    {
                        "run": standing.label,
                        "ranks": None if standing.ranks is None else [standing.ranks.best, standing.ranks.worst],
                        "value": standing.estimate.value,
                        "low": standing.estimate.low,
                        "high": standing.estimate.high,
                        "n": standing.estimate.n,
                    }
                    for standing in ranking.standings
                ],
                "pairs": [asdict(pair) for pair in ranking.pairs],
                "not_distinguishable": [list(tie) for tie in ranking.ties],
                "notes": list(ranking.notes),
            }
            for ranking in rankings
        ],
    }


def _table(ranking: Ranking, *, last: bool) -> Table:
    rows = tuple(
        Row(
            (
                standing.label,
                rank_text(standing.ranks),
                score_text(standing.estimate.value),
                interval_text(standing.estimate.low, standing.estimate.high),
                str(standing.estimate.n),
            )
        )
        for standing in ranking.standings
    )
    notes = (*tie_texts(ranking), *ranking_notes(ranking), *((MEANING,) if last else ()))
    return Table(ranking_title(ranking), COLUMNS, rows, notes)
