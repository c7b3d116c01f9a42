"""Compare the verdicts recorded in a file of completions with the scores of the same answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.schema import RunConfig
from harness.datatypes import Record
from harness.engines.registry import engine_module, engine_name
from harness.plan import model_spec
from harness.store.run_folder import write_text

FILE = "disagreements.jsonl"


@dataclass(frozen=True, slots=True)
class VerdictComparison:
    """How many answers have both (`n`), how many are right by each of the two, and where they differ.

    A disagreement has the answer's task, sample_id and repeat, `recorded` and `score`, and the reason of the score.
    """

    n: int
    recorded: int
    scored: int
    disagreements: tuple[Mapping[str, Any], ...]


def compared(config: RunConfig, records: Callable[[], Iterable[Record]]) -> VerdictComparison | None:
    """Compare the first score of each record with its recorded verdict; None where the file records none.

    A score of 1 is right, any other is wrong; unscored answers are not compared. `records` reads the run's records with
    their texts, and is called for an engine that has recorded verdicts alone: they may take more memory than there is.
    """
    options = config.engine.options()
    recorded_verdicts = getattr(engine_module(engine_name(config.engine.name, options)), "recorded_verdicts", None)
    if recorded_verdicts is None:
        return None
    verdict_of = recorded_verdicts(model_spec(config.model), options)
    n = recorded = scored = 0
    disagreements: list[dict[str, Any]] = []
    for record in records():
        verdict, score = verdict_of(record.request), record.scores[0]
        if verdict is None or score.value is None:
            continue
        right = score.value == 1
        n, recorded, scored = n + 1, recorded + verdict, scored + right
        if right != verdict:
            request = record.request
            reason = score.failure.message if score.failure else score.explanation
            disagreements.append(
                {
                    "task": request.task,
                    "sample_id": request.sample_id,
                    "repeat": request.repeat,
                    "recorded": verdict,
                    "score": score.value,
                    "scorer": score.scorer,
                    "reason": reason,
                }
            )
    return VerdictComparison(n, recorded, scored, tuple(disagreements)) if n else None


def write(comparison: VerdictComparison, folder: Path) -> Path:
    """Write the disagreements into the run folder, one per line. Raises StorageError."""
    path = folder / FILE
    write_text(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in comparison.disagreements))
    return path
