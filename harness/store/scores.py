"""scores.json, read back as estimates: each value of its kind, or the file is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import RunFolderError
from harness.results import Estimate, metric_text

SCORES = "scores.json"
Kind = TypeVar("Kind")
TEXTS = ("task", "scorer", "metric", "method")
COUNTS = ("n", "unscored", "repeats", "absent")
# Shares, scores and their bounds: a number or null
NUMBERS = (
    *("value", "low", "high", "stderr", "truncated", "unextracted", "completed", "unread", "window", "filtered"),
    *("no_confidence", "cut_prompts", "mean_tokens", "tokens_per_second"),
)


@dataclass(frozen=True, slots=True)
class StoredScores:
    """The estimates in the order of the file, without their warnings; that of the whole suite where it has one.

    `warnings`: all of the run, as the score table has them.
    """

    estimates: tuple[Estimate, ...]
    overall: Estimate | None = None
    warnings: tuple[str, ...] = ()

    @property
    def primary(self) -> tuple[Estimate, ...]:
        """The first estimate of each task."""
        return tuple({estimate.task: estimate for estimate in reversed(self.estimates)}.values())[::-1]


def read_estimates(folder: Path) -> StoredScores:
    """Read a run's scores; NaN and infinity are unknown, with a warning.

    Raises RunFolderError where the file is missing or not what a run writes.
    """
    path = folder / SCORES
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        overall = document.get("overall")
        return StoredScores(
            tuple(map(_estimate, document["rows"])),
            None if overall is None else _estimate(overall),
            (*(_of(str, line) for line in document.get("warnings", ())), *_no_numbers(document["rows"])),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise damaged(folder) from None


def _no_numbers(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A warning for each row with NaN or infinity, which is read as unknown."""
    for row in rows:
        if named := [key for key in NUMBERS if isinstance(found := row.get(key), float) and not math.isfinite(found)]:
            name = metric_text(row["scorer"], row["metric"])
            yield f"{row['task']} {name}: not a finite number, shown as unknown: {', '.join(named)}"


def damaged(folder: Path) -> RunFolderError:
    """Make the error that says how a run gets its scores.json again."""
    return RunFolderError(f"{folder / SCORES}: missing or damaged; `harness rescore {folder}` writes it again")


def _estimate(values: Mapping[str, Any]) -> Estimate:
    """Raises KeyError, TypeError or OverflowError."""
    parts: dict[str, Any] = {key: _of(str, values[key]) for key in TEXTS}
    # What an older version of the file lacks is not known
    parts |= {key: _of(int, values.get(key, 0)) for key in COUNTS}
    parts |= {key: _number(values.get(key)) for key in NUMBERS}
    return Estimate(**parts)


def _of(kind: type[Kind], value: Any) -> Kind:
    if type(value) is not kind:
        raise TypeError
    return value


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value) if type(value) is int else _of(float, value)
    return number if math.isfinite(number) else None
