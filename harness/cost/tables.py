"""Costs and savings as tables.

Dollars have three significant figures, so that a fraction of a cent is visible; a saving has one decimal of a per cent,
and more where rounding would show it as having reached the threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from harness.report.tables import UNKNOWN, Column, Row, Table

if TYPE_CHECKING:
    from harness.cost.compared_runs import RunCost
    from harness.cost.prices import Price
    from harness.cost.run_cost import Cost, Usage
    from harness.cost.savings import Cell

PRICES = (
    Column("Model", number=False, key=True),
    Column("Since", number=False, key=True),
    Column("Hours", number=False),
    Column("Input"),
    Column("Cached"),
    Column("Output"),
    Column("3:1"),
    Column("Seen", number=False),
    Column("Source", number=False),
)
COSTS = (
    Column("Task", number=False, key=True),
    Column("Price", number=False, key=True),
    Column("Answers"),
    Column("In"),
    Column("Cached"),
    Column("Out"),
    Column("Tokens/s"),
    Column("$ run"),
    Column("Solved"),
    Column("$ per solved"),
    Column("95 % interval"),
)

RUN_COSTS = (
    Column("Run", number=False, key=True),
    Column("Price", number=False),
    Column("Answers"),
    Column("$ per answer"),
    Column("Saving %"),
    Column("$ per solved"),
    Column("Saving %"),
)


@dataclass(frozen=True, slots=True)
class Costed:
    """One task under one price."""

    usage: Usage
    price: str
    cost: Cost | None
    overall: bool = False


def cost_table(rows: Sequence[Costed], title: str, notes: Sequence[str], warnings: Sequence[str]) -> Table:
    """Return a row for each task and price."""
    return Table(
        title, COSTS, tuple(Row(_cost_cells(row), overall=row.overall) for row in rows), tuple(notes), tuple(warnings)
    )


def saving_table(found: Sequence[Cell], threshold: Fraction | None, notes: Sequence[str]) -> Table:
    """Return a row for each pair of prices and a column for each blend; passes and fails, where a threshold is set."""
    blends = list(dict.fromkeys(cell.blend for cell in found))
    columns = [
        *(Column("Subject", number=False, key=True), Column("Since", number=False, key=True)),
        Column("Hours", number=False),
        *(Column("Comparator", number=False, key=True), Column("Since", number=False, key=True)),
        *(Column(f"{blend.label} %") for blend in blends),
    ]
    if threshold is not None:
        columns.append(Column(f"{percent(threshold)} % cheaper?", number=False))
    rows = []
    for pair, own in by_pair(found):
        subject, comparator = pair
        hours = subject.hours if subject.hours != "all" else comparator.hours
        cells = [subject.name, day(subject), _hours(hours), comparator.name, day(comparator)]
        cells += [percent(cell.saving, threshold) for cell in own]
        if threshold is not None:
            passing = [cell.blend.label for cell in own if cell.cheaper_by(threshold)]
            cells.append("yes" if len(passing) == len(own) else f"at {', '.join(passing)}" if passing else "no")
        rows.append(Row(tuple(cells)))
    return Table("Saving per token, in per cent of the comparator's price", tuple(columns), tuple(rows), tuple(notes))


def price_table(rows: Sequence[tuple[Price, Fraction, str, str]]) -> Table:
    """Return all prices; each with its 3:1 blend, the day it was seen on, and its source."""
    cells = tuple(
        Row(
            (
                price.name,
                day(price),
                _hours(price.hours),
                f"{price.input:g}",
                UNKNOWN if price.cached is None else f"{price.cached:g}",
                f"{price.output:g}",
                f"{float(blend):.4g}",
                seen,
                source,
            )
        )
        for price, blend, seen, source in rows
    )
    return Table("US dollars for a million tokens", PRICES, cells)


def run_cost_rows(runs: Sequence[RunCost], threshold: Fraction | None) -> list[dict[str, object]]:
    """Each run's cost; of the others also what the first one saves against them, as a share, and if that is enough."""
    rows = []
    for run in runs:
        row: dict[str, object] = {
            "run": run.folder,
            "model": run.model,
            "price": run.price.name,
            "measured": run.measured,
            "answers": len(run.usage.answers),
            "dollars_per_answer": run.per_answer,
            "solved": run.usage.solved,
            "dollars_per_solved": run.cost.per_solved,
        }
        if run is not runs[0]:
            for kind in ("answer", "solved"):
                ours, theirs = (one.per_answer if kind == "answer" else one.cost.per_solved for one in (runs[0], run))
                saving = 1 - ours / theirs if ours is not None and theirs else None
                row[f"saving_per_{kind}"] = saving
                if threshold is not None:
                    row[f"passes_per_{kind}"] = None if saving is None else saving >= threshold
        rows.append(row)
    return rows


def run_cost_table(runs: Sequence[RunCost], threshold: Fraction | None) -> Table:
    """Return a row for each run; savings are those of the first one."""

    def saving(row: Mapping[str, object], kind: str) -> str:
        value, passes = row.get(f"saving_per_{kind}"), row.get(f"passes_per_{kind}")
        if not isinstance(value, float):
            return UNKNOWN
        return f"{100 * value:.1f}" + ("" if passes is None else " yes" if passes else " no")

    rows = tuple(
        Row(
            (
                f"{run.model} ({run.folder})",
                run.price.name,
                str(len(run.usage.answers)),
                dollars(run.per_answer),
                saving(row, "answer"),
                dollars(run.cost.per_solved),
                saving(row, "solved"),
            )
        )
        for run, row in zip(runs, run_cost_rows(runs, threshold), strict=True)
    )
    notes = [f"Saving: of {runs[0].model} against that run, in per cent, without an interval."]
    if threshold is not None:
        notes.append(f"yes, no: whether it is at least {percent(threshold)} %.")
    if other := [run.folder for run in runs if not run.measured]:
        notes.append(f"Of {', '.join(other)} only the tokens of kept answers are known.")
    return Table("Cost by measured tokens", RUN_COSTS, rows, tuple(notes))


def by_pair(found: Sequence[Cell]) -> Iterator[tuple[tuple[Price, Price], list[Cell]]]:
    """Yield the cells of each pair of prices, in the order of their blends."""
    pairs: dict[tuple[Price, Price], list[Cell]] = {}
    for cell in found:
        pairs.setdefault((cell.subject, cell.comparator), []).append(cell)
    yield from pairs.items()


def percent(share: Fraction, threshold: Fraction | None = None) -> str:
    """A share in per cent with a decimal if it has one; never rounded up to a threshold that it does not reach."""
    value = 100 * share
    shown = f"{float(value):.1f}"
    if threshold is not None and (share >= threshold) != (Fraction(shown) >= 100 * threshold):
        shown = f"{float(value):.4f}"
    return str(int(value)) if threshold is None and value.denominator == 1 else shown


def dollars(value: float | None) -> str:
    """Three figures, never in powers of ten; `inf` where there is no bound."""
    if value is None:
        return UNKNOWN
    if math.isinf(value):
        return "inf"
    if value == 0:
        return "0"
    digits = max(2, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def day(price: Price) -> str:
    """The first day of a price, or that it is not known; a last day where one is known."""
    start = price.since.isoformat() if price.since else ""
    end = f"until {price.until.isoformat()}" if price.until and not price.since else ""
    return start or end or "not dated"


def cost_document(rows: Sequence[Costed], run: str, warnings: Sequence[str]) -> Mapping[str, object]:
    """Everything, unrounded."""
    return {"run": run, "rows": [_cost_values(row) for row in rows], "warnings": list(warnings)}


def _cost_values(row: Costed) -> Mapping[str, object]:
    usage, cost = row.usage, row.cost
    return {
        "task": usage.task,
        "price": row.price or None,
        "answers": len(usage.answers),
        "refused": usage.refused,
        "input_tokens": usage.mean("fresh"),
        "cached_tokens": usage.mean("cached"),
        "output_tokens": usage.mean("output"),
        "seconds": usage.seconds,
        "tokens_per_second": usage.tokens_per_second,
        "solved": usage.solved,
        "dollars": cost.total if cost else None,
        "dollars_per_solved": cost.per_solved if cost else None,
        "dollars_per_solved_low": cost.low if cost else None,
        # JSON has no infinity
        "dollars_per_solved_high": cost.high if cost and cost.high != math.inf else None,
        "dollars_per_solved_unbounded": bool(cost and cost.high == math.inf),
    }


def _cost_cells(row: Costed) -> tuple[str, ...]:
    usage, cost = row.usage, row.cost
    speed = usage.tokens_per_second
    interval = UNKNOWN
    if cost and cost.low is not None and cost.high is not None:
        interval = f"[{dollars(cost.low)}, {dollars(cost.high)}]"
    return (
        usage.task,
        row.price or "none",
        str(len(usage.answers)),
        *(_mean(usage.mean(kind)) for kind in ("fresh", "cached", "output")),
        UNKNOWN if speed is None else f"{speed:,.0f}",
        dollars(cost.total if cost else None),
        UNKNOWN if usage.solved is None else str(usage.solved),
        dollars(cost.per_solved if cost else None),
        interval,
    )


def _mean(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}"


def _hours(hours: str) -> str:
    return hours.replace("_", "-")
