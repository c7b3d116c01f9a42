"""The table of a run's estimates, as strings: the only module that formats these numbers.

A score and its bounds have three decimals (0.612 is 61.2 %; also for a metric that is no proportion); shares are per
cent, as their heading shows; unknown is `-`. A share above 0 is never shown as 0.0, nor one below 1 as 100.0. Computes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.report.folding import NAMED, few, folded_warnings, warning_lines
from harness.results import Estimate, metric_text

UNKNOWN = "-"
# Failure kinds named per task in the notes; the rest is in the records
KINDS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. `number`: aligned right; `key`: repeated in each part of a table that is cut.

    `free`: running text, which a narrow terminal may shorten with an ellipsis; nothing else is ever shortened.
    `blank`: the cell that says nothing: a narrow terminal leaves out a column of figures that has no other.
    """

    heading: str
    number: bool = True
    key: bool = False
    free: bool = False
    blank: str = UNKNOWN


COLUMNS = (
    Column("Task", number=False, key=True),
    Column("Metric", number=False, key=True),
    Column("Score"),
    Column("95 % interval"),
    Column("n"),
    Column("Truncated %"),
    Column("No answer %"),
    Column("Unscored", blank="0"),
    Column("Tokens"),
    Column("Tokens/s"),
)
# Shown only where some row has them: the score without truncated answers, right answers that extraction passed over,
# answers that ended at a full context window, answers that a server withheld, answers without a confidence
COMPLETED, UNREAD = Column("Completed only"), Column("Not read %")
WINDOW, FILTERED = Column("Window full %"), Column("Filtered %")
NO_CONFIDENCE = Column("No confidence %")


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `primary`: the first score of its task; `overall`: the line of the suite."""

    cells: tuple[str, ...]
    primary: bool = True
    overall: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What every writer of this package prints: rows under columns, then notes, then warnings, a line each."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def score_table(
    estimates: Sequence[Estimate],
    overall: Estimate | None = None,
    *,
    title: str = "",
    failures: Mapping[str, Mapping[str, int]] | None = None,
    folded: bool = True,
) -> Table:
    """Return the table of a run: a row per estimate in the order given, then the suite's.

    The first estimate of a task is its primary one. `failures` (task -> kind -> answers) becomes notes. `folded`: notes
    and warnings that many tasks share are a line for all of them.
    """
    shown = [*estimates, overall] if overall is not None else [*estimates]
    extra = extra_columns(shown)
    rows = [
        Row((*_cells(estimate), *extra_cells(estimate, extra)), primary=primary)
        for estimate, primary in zip(estimates, primary_flags(estimates), strict=True)
    ]
    if overall is not None:
        rows.append(Row((*_cells(overall), *extra_cells(overall, extra)), overall=True))
    failed = _failure_notes(failures or {}, [e.task for e in estimates], folded=folded)
    warnings = folded_warnings(shown) if folded else warning_lines(shown)
    return Table(title, (*COLUMNS, *extra), tuple(rows), (*_legend(shown), *extra_legend(extra), *failed), warnings)


def primary_flags(estimates: Sequence[Estimate]) -> tuple[bool, ...]:
    """For each estimate, whether it is the first of its task."""
    tasks = [estimate.task for estimate in estimates]
    return tuple(task not in tasks[:place] for place, task in enumerate(tasks))


def picked(table: Table, places: Sequence[int]) -> Table:
    """Return the table of these columns alone: no title, notes or warnings."""
    rows = (Row(tuple(row.cells[i] for i in places), row.primary, row.overall) for row in table.rows)
    return Table("", tuple(table.columns[i] for i in places), tuple(rows))


def _cells(estimate: Estimate) -> tuple[str, ...]:
    return (
        estimate.task,
        metric_text(estimate.scorer, estimate.metric),
        score_text(estimate.value),
        interval_text(estimate.low, estimate.high),
        str(estimate.n),
        share_text(estimate.truncated),
        share_text(estimate.unextracted),
        str(estimate.unscored),
        figure_text(estimate.mean_tokens),
        figure_text(estimate.tokens_per_second),
    )


def extra_columns(estimates: Sequence[Estimate]) -> tuple[Column, ...]:
    """Return the columns that are shown only where some row has something in them."""
    found: tuple[Column, ...] = ()
    if any(estimate.completed is not None for estimate in estimates):
        found += (COMPLETED,)
    if any(estimate.unread for estimate in estimates):
        found += (UNREAD,)
    if any(estimate.window for estimate in estimates):
        found += (WINDOW,)
    if any(estimate.filtered for estimate in estimates):
        found += (FILTERED,)
    if any(estimate.no_confidence for estimate in estimates):
        found += (NO_CONFIDENCE,)
    return found


def extra_cells(estimate: Estimate, columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Return one row's cells of these columns."""
    cells = {
        COMPLETED: score_text(estimate.completed),
        UNREAD: share_text(estimate.unread),
        WINDOW: share_text(estimate.window),
        FILTERED: share_text(estimate.filtered),
        NO_CONFIDENCE: share_text(estimate.no_confidence),
    }
    return tuple(cells[column] for column in columns)


def extra_legend(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Return what these columns mean, in one line, or none."""
    meaning = {
        COMPLETED: "Completed only: the score without truncated answers.",
        UNREAD: "Not read: the answer scores 0, but its text contains the right answer.",
        WINDOW: "Window full: truncated because the context window was full, not at max_tokens.",
        FILTERED: "Filtered: withheld by the server's content filter; these answers score 0.",
        NO_CONFIDENCE: "No confidence: left out of the metrics of confidence, since none could be read.",
    }
    return (" ".join(meaning[column] for column in columns),) if columns else ()


def score_text(value: float | None) -> str:
    """A score: three decimals."""
    return UNKNOWN if value is None else f"{value:.3f}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval: three decimals."""
    return UNKNOWN if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def share_text(share: float | None) -> str:
    """A share in per cent, without the sign: one decimal; never 0.0 for a share above 0, nor 100.0 below 1."""
    if share is None:
        return UNKNOWN
    written = f"{share:.1%}"[:-1]
    if written == "0.0" and share > 0:
        return "<0.1"
    return ">99.9" if written == "100.0" and share < 1 else written


def figure_text(number: float | None) -> str:
    """One decimal below 100, none above."""
    if number is None:
        return UNKNOWN
    return f"{number:.1f}" if abs(number) < 100 else f"{number:.0f}"


def p_text(p: float) -> str:
    """A p-value: three decimals; never 0.000."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def interval_legend(estimates: Sequence[Estimate]) -> str:
    """Return the methods of the intervals; with task names only where methods differ; empty without intervals."""
    methods: dict[str, list[str]] = {}
    for estimate in estimates:
        if estimate.low is not None and estimate.task not in methods.setdefault(estimate.method, []):
            methods[estimate.method].append(estimate.task)
    several = len(methods) > 1
    listed = (f"{method} ({few(tasks)})" if several else method for method, tasks in methods.items())
    return f"Intervals: {', '.join(listed)}." if methods else ""


def _legend(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    line = interval_legend(estimates)
    return (f"{line} Tokens are per answer, tokens/s over the engine's time.",) if line else ()


def _failure_notes(failures: Mapping[str, Mapping[str, int]], tasks: Iterable[str], *, folded: bool) -> tuple[str, ...]:
    """The failures of each task, in the order of the rows; of many tasks their sums."""
    found = {task: kinds for task in dict.fromkeys((*tasks, *failures)) if (kinds := failures.get(task))}
    if not folded or len(found) <= NAMED:
        return tuple(f"{task} failures: {_kinds(kinds)}" for task, kinds in found.items())
    sums: Counter[str] = Counter()
    for kinds in found.values():
        sums.update(kinds)
    return (f"{few([*found])} failures: {_kinds(dict(sums.most_common()))}",)


def _kinds(kinds: Mapping[str, int]) -> str:
    named = [f"{kind} x{count}" for kind, count in list(kinds.items())[:KINDS_NAMED]]
    rest = len(kinds) - len(named)
    return ", ".join(named) + (f", {rest} more kinds" if rest else "")
