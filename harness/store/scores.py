"""scores.json, read back: the keys of its rows that commands use, each of its kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import RunFolderError

SCORES = "scores.json"
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A score; n samples, [low, high] at 95 %. `primary`: the first of its task."""

    task: str
    scorer: str
    metric: str
    primary: bool
    value: float | None
    low: float | None
    high: float | None
    method: str
    stderr: float | None
    n: int


@dataclass(frozen=True, slots=True)
class StoredScores:
    """The rows in the order of the file, and the score of the whole suite where it has one."""

    rows: tuple[ScoreRow, ...]
    overall: ScoreRow | None


def read_scores(folder: Path) -> StoredScores:
    """Read a run's scores. Raises RunFolderError where the file is missing or not what a run writes."""
    path = folder / SCORES
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        overall = document.get("overall")
        return StoredScores(tuple(map(_row, document["rows"])), None if overall is None else _row(overall))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise damaged(folder) from None


def damaged(folder: Path) -> RunFolderError:
    """Make the error that says how a run gets its scores.json again."""
    return RunFolderError(f"{folder / SCORES}: missing or damaged; `harness rescore {folder}` writes it again")


def _row(values: Mapping[str, Any]) -> ScoreRow:
    """Raises KeyError, TypeError or OverflowError."""
    return ScoreRow(
        task=_of(str, values["task"]),
        scorer=_of(str, values["scorer"]),
        metric=_of(str, values["metric"]),
        primary=_of(bool, values["primary"]),
        value=_number(values["value"]),
        low=_number(values["low"]),
        high=_number(values["high"]),
        method=_of(str, values["method"]),
        stderr=_number(values["stderr"]),
        n=_of(int, values["n"]),
    )


def _of(kind: type[Kind], value: Any) -> Kind:
    if type(value) is not kind:
        raise TypeError
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    return float(value) if type(value) is int else _of(float, value)
