"""The table of runs under a folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from harness.report.tables import UNKNOWN, Column, Row, Table
from harness.store.listing import ListedRun

COLUMNS = (
    Column("Run", number=False, key=True),
    Column("State", number=False),
    Column("Score"),
    Column("95 % interval"),
    Column("n"),
    Column("Model", number=False),
    Column("Suite", number=False),
    Column("Started", number=False),
)


def runs_table(runs: Sequence[ListedRun], task: str, warnings: Sequence[str]) -> Table:
    """Return the table, a row for each run; scores are of `task`, or of the whole suite."""
    notes = (f"Scores are of {task}.",) if task else ()
    return Table("", COLUMNS, tuple(Row(_cells(run, task)) for run in runs), notes, tuple(warnings))


def _cells(run: ListedRun, task: str) -> tuple[str, ...]:
    figure = run.figure(task)
    value = low = high = None
    if figure is not None:
        value, low, high = figure.value, figure.low, figure.high
    return (
        str(run.folder),
        run.state if run.state == "finished" else f"{run.state}, {run.answered} of {run.requested}",
        UNKNOWN if value is None else f"{value:.3f}",
        UNKNOWN if low is None or high is None else f"[{low:.3f}, {high:.3f}]",
        UNKNOWN if figure is None else str(figure.n),
        run.manifest.model_name,
        run.manifest.suite_name,
        datetime.fromtimestamp(run.manifest.started_at).astimezone().strftime("%Y-%m-%d %H:%M"),
    )


def runs_document(runs: Sequence[ListedRun]) -> list[dict[str, Any]]:
    """Return the runs for JSON; times are seconds since the epoch."""
    return [
        {
            "folder": str(run.folder),
            "run_id": run.manifest.run_id,
            "model": run.manifest.model_name,
            "suite": run.manifest.suite_name,
            "started_at": run.manifest.started_at,
            "finished_at": run.manifest.finished_at,
            "state": run.state,
            "answered": run.answered,
            "requested": run.requested,
            "scores": [_scored(run, figure.task) for figure in run.figures],
            "overall": _scored(run, "") if run.overall else None,
        }
        for run in runs
    ]


def _scored(run: ListedRun, task: str) -> dict[str, Any]:
    figure = run.figure(task)
    assert figure is not None
    return {"task": figure.task, "value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
