"""Judges recorded rows as `harness run --engine scripted --completions FILE` does: its engine, extractors, scorers."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay_files import Explanations, ReplayError, Row

from harness.catalog import Task
from harness.config import pages
from harness.config.building import config_keys, run_config
from harness.datatypes import Record, Score
from harness.engines.base import EngineFacts
from harness.errors import HarnessError
from harness.execution.base import Sandbox
from harness.run import evaluate

HERE = Path(__file__).resolve().parent
PAGES = HERE / "replay" / "pages"
WITH_GOLD = PAGES / "recorded_gold.yaml"
# Pages whose own scores need a form of the answer that recorded models did not write
DEFAULT_SCORERS: Mapping[str, Mapping[str, Any]] = {"gsm8k": {"by": "math_equality", "extract": {"by": "math"}}}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the harness made of one row. `right` is None where it is unscored."""

    right: bool | None
    answer: str | None
    explanation: str


class _Clock:
    """Times a run from the moment its engine is loaded: what answers cost, without reading data."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()

    def planned(self, facts: EngineFacts, tasks: Sequence[Task], folder: Path, sandbox: Sandbox | None) -> None:
        """Nothing."""

    def started(self, total: int, known: int) -> None:
        """Note the time."""
        self.started_at = time.monotonic()

    def recorded(self, record: Record) -> None:
        """Nothing."""

    def waiting(self, text: str) -> None:
        """Nothing."""


def judge(
    rows: Sequence[Row], notes: Explanations, mirror: str | None, scratch: Path
) -> tuple[dict[Row, Judged], float]:
    """Judge rows of one task and model; return what each is worth and the seconds it took. Raises ReplayError."""
    page = _page(rows, notes, scratch)
    name = Path(page).stem
    scorer = notes.scorer if notes.scorer is not None else DEFAULT_SCORERS.get(name)
    settings: dict[str, Any] = {f"tasks.{name}.repeats": 1 + max(row.repeat for row in rows)}
    if isinstance(scorer, Mapping):
        settings[f"tasks.{name}.score"] = [dict(scorer)]
    words = {
        "engine": "scripted",
        "completions": _completions(rows, name, scratch),
        "mirror": mirror,
        "style": notes.style,
        "out": scratch / "run",
    }
    clock = _Clock()
    try:
        result = evaluate(run_config(None, None, [page], config_keys(words, settings), "replay"), (), clock)
        seconds = time.monotonic() - clock.started_at
        known = {(record.request.sample_id, record.request.repeat): record.scores for record in result.records}
    except HarnessError as error:
        raise ReplayError(f"{rows[0].task} by {rows[0].model}: {error}") from None
    finally:
        shutil.rmtree(scratch / "run", ignore_errors=True)
    wanted = scorer if isinstance(scorer, str) else None
    return {row: _judged(row, known.get((row.sample_id, row.repeat), ()), wanted) for row in rows}, seconds


def _page(rows: Sequence[Row], notes: Explanations, scratch: Path) -> str:
    own = PAGES / f"{rows[0].task}.yaml"
    if notes.page is not None:
        beside = notes.folder / notes.page
        return str(beside) if pages.is_file_name(notes.page) and beside.is_file() else notes.page
    if own.is_file():
        return str(own)
    if rows[0].gold is None:
        return rows[0].task
    golds = {row.sample_id: row.gold for row in rows}
    for row in rows:
        if golds[row.sample_id] != row.gold:
            raise ReplayError(f"{row.sample_id}: two rows of {row.model} have different `gold`")
    lines = [json.dumps({"id": sample, "gold": gold}) for sample, gold in golds.items()]
    (scratch / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(shutil.copy(WITH_GOLD, scratch))


def _completions(rows: Sequence[Row], task: str, scratch: Path) -> Path:
    path = scratch / "completions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            values = {
                "task": task,
                "sample_id": row.sample_id,
                "repeat": row.repeat,
                "completion": row.completion,
            }
            file.write(json.dumps(values) + "\n")
    return path


def _judged(row: Row, scores: Sequence[Score], wanted: str | None) -> Judged:
    if not scores:
        raise ReplayError(f"{row.task}: has no sample {row.sample_id!r}")
    score = next((score for score in scores if score.scorer == wanted), None) if wanted else scores[0]
    if score is None:
        raise ReplayError(f"{row.task}: no score {wanted!r}; there are {', '.join(s.scorer for s in scores)}")
    reason = score.failure.message if score.failure else score.explanation
    return Judged(None if score.value is None else score.value >= 1, score.answer, reason)
