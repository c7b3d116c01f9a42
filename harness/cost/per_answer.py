"""What an answer of a run costs, in every unit that is known: dollars, output tokens, seconds of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from harness.cost.compared_runs import RunCost, cost_of
from harness.cost.run_cost import together, usages
from harness.datatypes import Record
from harness.errors import HarnessError
from harness.store.manifest import Manifest


@dataclass(frozen=True, slots=True)
class PerAnswer:
    """One run. `priced` is None where it has no price, or tokens were not counted: `reason` says which.

    `seconds`: of the engine for one answer, None where an answer was not timed; `samples`: what was answered.
    """

    priced: RunCost | None
    reason: str
    seconds: float | None
    samples: frozenset[tuple[str, str]]


def per_answer(folder: str, manifest: Manifest, records: Sequence[Record], day: date) -> PerAnswer:
    """Return what is known of a run whose records are read already, by the dearest price of a day."""
    samples = frozenset((record.request.task, record.request.sample_id) for record in records)
    whole = together(manifest.suite_name, usages(records))
    seconds = whole.seconds / len(whole.answers) if whole.seconds else None
    try:
        return PerAnswer(cost_of(folder, manifest, records, day), "", seconds, samples)
    except HarnessError as error:
        return PerAnswer(None, str(error).removeprefix(f"{folder}: "), seconds, samples)
