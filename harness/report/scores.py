"""The machine-readable result of a run: `scores.json`, which `--json` also prints.

Its schema is `scores.schema.json` beside this file and changes only with SCORES_SCHEMA. Numbers are as computed, not
rounded; unknown ones are null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.report.folding import warning_lines
from harness.report.tables import primary_flags
from harness.results import Estimate

SCORES_SCHEMA = 6


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Which run the scores are of."""

    run_id: str
    model: str
    suite: str
    engine: str


def scores_document(run: RunFacts, estimates: Sequence[Estimate], overall: Estimate | None = None) -> dict[str, Any]:
    """Return the document: facts of the run, a row per estimate, the suite's row or null, warnings.

    `sweeps`, `languages` and `repeat_check` are filled in by the caller.
    """
    flags = primary_flags(estimates)
    shown = [*estimates, overall] if overall is not None else [*estimates]
    return {
        "schema": SCORES_SCHEMA,
        "run_id": run.run_id,
        "model": run.model,
        "suite": run.suite,
        "engine": run.engine,
        "rows": [_row(e, primary) for e, primary in zip(estimates, flags, strict=True)],
        "overall": None if overall is None else _row(overall, True),
        "sweeps": [],
        "languages": None,
        "repeat_check": None,
        "warnings": list(warning_lines(shown)),
    }


def scores_text(document: dict[str, Any]) -> str:
    """Return the document as JSON text. Raises ValueError for NaN and infinity, which JSON does not have."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(estimate: Estimate, primary: bool) -> dict[str, Any]:
    return {
        "task": estimate.task,
        "scorer": estimate.scorer,
        "metric": estimate.metric,
        "primary": primary,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "method": estimate.method,
        "stderr": estimate.stderr,
        "n": estimate.n,
        "unscored": estimate.unscored,
        "repeats": estimate.repeats,
        "absent": estimate.absent,
        "truncated": estimate.truncated,
        "unextracted": estimate.unextracted,
        "completed": estimate.completed,
        "unread": estimate.unread,
        "window": estimate.window,
        "filtered": estimate.filtered,
        "no_confidence": estimate.no_confidence,
        "cut_prompts": estimate.cut_prompts,
        "mean_tokens": estimate.mean_tokens,
        "tokens_per_second": estimate.tokens_per_second,
    }
