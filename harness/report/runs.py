"""The table of runs under a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from harness.config.shard import suffix as shard_suffix
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
    notes: tuple[str, ...] = (f"Scores are of {task}.",) if task else ()
    together: dict[tuple[str, ...], list[ListedRun]] = {}
    for run in runs:
        together.setdefault(_run_of(run), []).append(run)
    rows = tuple(
        Row(_cells_of_shards(own) if own[0].manifest.shard else _cells(own[0], task)) for own in together.values()
    )
    if any(run.manifest.shard for run in runs):
        notes += ("Shards have no score of the run: `harness merge` makes one run of them.",)
    return Table("", COLUMNS, rows, notes, tuple(warnings))


def _run_of(run: ListedRun) -> tuple[str, ...]:
    """The same for all shards of a run, else of each run its own."""
    shard = run.manifest.shard
    if not shard:
        return (str(run.folder),)
    return (
        str(run.folder.parent),
        run.folder.name.removesuffix(shard_suffix(shard["number"], shard["of"])),
        str(shard["of"]),
    )


def _cells_of_shards(runs: Sequence[ListedRun]) -> tuple[str, ...]:
    """A row for all shards of a run: how many are finished, and how many answers are there."""
    first = runs[0]
    parent, name, of = _run_of(first)
    states = Counter(run.state for run in runs)
    begun = len({run.manifest.shard["number"] for run in runs})
    parts = [f"{count} {state}" for state, count in sorted(states.items()) if state != "finished"]
    if begun < int(of):
        parts.append(f"{int(of) - begun} not begun")
    if states["finished"] < int(of):
        parts.append(f"{sum(run.answered for run in runs)} answers")
    return (
        str(Path(parent) / f"{name}-shard-*-of-{of}"),
        ", ".join([f"{states['finished']} of {of} shards finished", *parts]),
        *(UNKNOWN,) * 3,
        first.manifest.model_name,
        first.manifest.suite_name,
        _started(min(run.manifest.started_at for run in runs)),
    )


def _started(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


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
        run.manifest.shown_name,
        run.manifest.suite_name,
        _started(run.manifest.started_at),
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
            **({"shard": {key: run.manifest.shard[key] for key in ("number", "of")}} if run.manifest.shard else {}),
            "scores": [_scored(run, figure.task) for figure in run.figures],
            "overall": _scored(run, "") if run.overall else None,
        }
        for run in runs
    ]


def _scored(run: ListedRun, task: str) -> dict[str, Any]:
    figure = run.figure(task)
    assert figure is not None
    return {"task": figure.task, "value": figure.value, "low": figure.low, "high": figure.high, "n": figure.n}
