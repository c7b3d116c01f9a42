"""Three runs or more: ranked, with the ranks that are left open, and all pairs as a heat map of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.analysis.ranking import Ranking
from harness.html_report.caveats import without_mixed_means
from harness.html_report.charts.forest import MOST_OPEN
from harness.html_report.charts.heat import BLANK, Shade, shade
from harness.html_report.document import Material, Section
from harness.leaderboard import leaderboards
from harness.report.comparison import signed_text
from harness.report.leaderboard import MEANING, rank_text, ranking_notes, ranking_title, tie_texts
from harness.report.tables import interval_text, p_text, score_text

FEWEST_RUNS = 3
# Two corrections on one page
FAMILIES = (
    "The differences above compare each run with the baseline alone (Holm over these), the ranks all pairs in both "
    "directions: a pair may be decided in one only."
)
# Of more runs the heat map is the half above its diagonal: the other half says the same
MOST_SQUARE = 12


@dataclass(frozen=True, slots=True)
class Place:
    """A run in a ranking."""

    ranks: str
    label: str
    series: int
    value: str
    interval: str
    n: int
    sort: tuple[int, str]


@dataclass(frozen=True, slots=True)
class Cell:
    """Row minus column: the difference and its p in words; empty on the diagonal."""

    text: str
    p: str
    shade: Shade


@dataclass(frozen=True, slots=True)
class Board:
    """One ranking. `title`: of name and metric, in one line; `heat`: a row of cells for each run, in the same
    order; empty where there is nothing to show.
    """

    title: str
    name: str
    metric: str
    places: tuple[Place, ...]
    ties: tuple[str, ...]
    notes: tuple[str, ...]
    heat: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Rankings in full, and many tasks as a table of rank ranges: rows of a title and a cell per run."""

    boards: tuple[Board, ...]
    labels: tuple[tuple[str, int], ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    meaning: str


def build(material: Material) -> Section | None:
    """Rank the runs of each suite and task; None for fewer than three runs."""
    if len(material.runs) < FEWEST_RUNS:
        return None
    found = leaderboards(without_mixed_means(material.runs), allow_protocol=material.allow_protocol)
    # The ranks of many tasks are one table, and only means have a heat map
    many = len(material.tasks) > MOST_OPEN
    full = [ranking for ranking in found if ranking.overall or not many]
    short = [ranking for ranking in found if not ranking.overall and many]
    labels = tuple((run.label, place) for place, run in enumerate(material.runs))
    rows = tuple(_row(ranking, len(labels)) for ranking in short)
    return Section(
        "ranks",
        "Ranks and all pairs",
        _lead(full or short),
        Ranks(tuple(_board(one, found) for one in full), labels if rows else (), rows, f"{MEANING} {FAMILIES}"),
    )


def _lead(rankings: Sequence[Ranking]) -> str:
    """What each table shows of its best."""
    sentences = [sentence for ranking in rankings if (sentence := _best(ranking))]
    return " ".join(sentences[:MOST_OPEN]) or "Runs by score, best first."


def _best(ranking: Ranking) -> str:
    """Empty where the runs are not ranked, or there is one."""
    leaders = [s.label for s in ranking.standings if s.ranks is not None and s.ranks.best == 1]
    if not leaders:
        return ""
    name, count = f"{ranking.name}{', all tasks' if ranking.overall else ''}", len(ranking.standings)
    if len(leaders) == 1:
        return f"{name}: {leaders[0]} is shown to be the best of {count} runs."
    if len(leaders) == count:
        return f"{name}: any of the {count} runs may be the best one."
    return f"{name}: {len(leaders)} of {count} runs may be the best one: {', '.join(leaders)}."


def _row(ranking: Ranking, count: int) -> tuple[str, tuple[str, ...]]:
    cells = {standing.place: rank_text(standing.ranks) for standing in ranking.standings}
    title = ranking.name if not ranking.differs else f"{ranking.name} ({'; '.join(ranking.differs)})"
    return title, tuple(cells.get(place, "") for place in range(count))


def _groups(ranking: Ranking, every: Sequence[Ranking]) -> tuple[str, ...]:
    """Say which runs are elsewhere, where a task has a table for each protocol."""
    key = (ranking.name, ranking.overall)
    others = [one for one in every if (one.name, one.overall) == key and one is not ranking]
    if not others or not any(one.differs for one in (ranking, *others)):
        return ()
    own = ", ".join(standing.label for standing in ranking.standings)
    labels = ", ".join(standing.label for one in others for standing in one.standings)
    return (f"Here under one protocol: {own}. Under another one, in a table of their own: {labels}.",)


def _board(ranking: Ranking, every: Sequence[Ranking]) -> Board:
    places = tuple(
        Place(
            ranks=rank_text(standing.ranks),
            label=standing.label,
            series=standing.place,
            value=score_text(standing.estimate.value),
            interval=interval_text(standing.estimate.low, standing.estimate.high),
            n=standing.estimate.n,
            sort=(
                order if standing.ranks is None else standing.ranks.best * 1000 + standing.ranks.worst,
                "" if standing.estimate.value is None else f"{standing.estimate.value:.5g}",
            ),
        )
        for order, standing in enumerate(ranking.standings)
    )
    groups = _groups(ranking, every)
    # The section of differences has the fields already
    notes = ranking_notes(replace(ranking, differs=()) if groups else ranking)
    name = f"{ranking.name}{', all tasks' if ranking.overall else ''}"
    return Board(
        ranking_title(ranking), name, ranking.metric, places, tie_texts(ranking), (*groups, *notes), _heat(ranking)
    )


def _heat(ranking: Ranking) -> tuple[tuple[Cell, ...], ...]:
    if len(ranking.standings) < FEWEST_RUNS or not ranking.pairs:
        return ()
    cells: dict[tuple[str, str], Cell] = {}
    for pair in ranking.pairs:
        p = f"p {p_text(pair.p_family)}"
        both = (((pair.b, pair.a), pair.difference), ((pair.a, pair.b), -pair.difference))
        for key, difference in both:
            cells[key] = Cell(signed_text(difference + 0.0), p, shade(difference, pair.p_family))
    empty = Cell("", "", BLANK)
    labels = [standing.label for standing in ranking.standings]
    square = len(labels) <= MOST_SQUARE
    return tuple(
        tuple(
            cells.get((row, column), empty) if square or across > down else empty
            for across, column in enumerate(labels)
        )
        for down, row in enumerate(labels)
    )
