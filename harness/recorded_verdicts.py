"""The verdicts that a file of completions records, against those of a run that scored the same answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.config.schema import RunConfig
from harness.datatypes import Record
from harness.engines.registry import engine_module
from harness.plan import model_spec
from harness.store.run_folder import write_text

FILE = "disagreements.jsonl"


@dataclass(frozen=True, slots=True)
class Compared:
    """How many answers have a recorded verdict and a score, how many were right by each, and where the two differ.

    A disagreement has the answer's task, sample_id and repeat, `recorded` and `score`, and the reason of the score.
    """

    n: int
    recorded: int
    scored: int
    disagreements: tuple[Mapping[str, Any], ...]


def compared(config: RunConfig, records: Iterable[Record]) -> Compared | None:
    """Compare the first score of each record with its recorded verdict; None where the file records none.

    A score of 1 is right, any other is wrong; what is unscored is not compared.
    """
    recorded_verdicts = getattr(engine_module(config.engine.name), "recorded_verdicts", None)
    if recorded_verdicts is None:
        return None
    verdict_of = recorded_verdicts(model_spec(config.model), config.engine.options())
    n = recorded = scored = 0
    differing: list[dict[str, Any]] = []
    for record in records:
        verdict, score = verdict_of(record.request), record.scores[0]
        if verdict is None or score.value is None:
            continue
        right = score.value == 1
        n, recorded, scored = n + 1, recorded + verdict, scored + right
        if right != verdict:
            request = record.request
            why = score.failure.message if score.failure else score.explanation
            differing.append(
                {
                    "task": request.task,
                    "sample_id": request.sample_id,
                    "repeat": request.repeat,
                    "recorded": verdict,
                    "score": score.value,
                    "scorer": score.scorer,
                    "reason": why,
                }
            )
    return Compared(n, recorded, scored, tuple(differing)) if n else None


def write(found: Compared, folder: Path) -> Path:
    """Write the disagreements into the run folder, one a line. Raises StorageError."""
    path = folder / FILE
    write_text(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in found.disagreements))
    return path
