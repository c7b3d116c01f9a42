"""A plan against what its runs really took: tokens, seconds and dollars of each model on each task."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cost.prices import Price
from harness.cost.run_cost import task_cost, usages
from harness.cost.tables import dollars
from harness.datatypes import Record
from harness.planning.budget import time_text, tokens_text
from harness.planning.page import PlannedWork, PlanSection
from harness.report.tables import UNKNOWN, Column, Row, Table
from harness.store import attempts
from harness.store.manifest import Manifest
from harness.store.repeats import without_repeats

COLUMNS = (
    Column("Model", number=False, key=True),
    Column("Task", number=False, key=True),
    Column("Samples"),
    Column("Tokens in"),
    Column("Tokens out"),
    Column("Time"),
    Column("Dollars"),
)


@dataclass(frozen=True, slots=True)
class Real:
    """What a model took on a task; None where it is not known."""

    planned: PlannedWork
    samples: int
    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    dollars: float | None


@dataclass(frozen=True, slots=True)
class ModelOutcome:
    """A model's run: what each task took, and the seconds from its start to its end (None for a resumed run)."""

    model: str
    tasks: tuple[Real, ...]
    lasted: float | None


def outcome(
    section: PlanSection, model: str, folder: Path, manifest: Manifest, records: Sequence[Record], price: Price | None
) -> ModelOutcome:
    """Compare a model's finished run with its plan. Raises RunFolderError for damaged attempts."""
    sent = without_repeats(attempts.read(folder / attempts.ATTEMPTS))
    by_task = {usage.task: usage for usage in usages(records, sent)}
    found = []
    for work in section.work:
        usage = by_task.get(work.task)
        if work.model != model or usage is None:
            continue
        counted = usage.counted
        found.append(
            Real(
                work,
                len({answer.sample_id for answer in usage.answers}),
                math.fsum((answer.fresh or 0) + answer.cached for answer in usage.answers) if counted else None,
                math.fsum(answer.output or 0 for answer in usage.answers) if counted else None,
                usage.seconds,
                (task_cost(usage, price).total if price is not None else None) if sent else 0.0,
            )
        )
    whole = manifest.finished_at is not None and not manifest.resumed
    lasted = (manifest.finished_at or 0.0) - manifest.started_at if whole else None
    return ModelOutcome(model, tuple(found), lasted)


def outcome_table(section: PlanSection, outcomes: Sequence[ModelOutcome]) -> Table:
    """Return a row for each model and task: planned / real."""
    rows = []
    for one in outcomes:
        for real in one.tasks:
            work = real.planned
            # Answers of a server overlap: only the time of the whole run is comparable there
            alone = work.seconds is not None and not work.dollars
            rows.append(
                Row(
                    (
                        one.model,
                        work.task,
                        f"{work.samples} / {real.samples}",
                        _both(work.tokens_in, real.tokens_in, tokens_text),
                        ("<" if work.bound else "") + _both(work.tokens_out, real.tokens_out, tokens_text),
                        _both(work.seconds, real.seconds, time_text) if alone else UNKNOWN,
                        _both(work.dollars, real.dollars, dollars) if work.dollars or real.dollars else UNKNOWN,
                    )
                )
            )
    notes = ["Planned / real. Time is the engine's, without loading and scoring."]
    starts = {model.name: model.start for model in section.models}
    for one in outcomes:
        seconds = [work.seconds for work in section.work if work.model == one.model]
        if one.lasted is not None and None not in seconds:
            expected = math.fsum(value or 0.0 for value in seconds) + starts[one.model]
            notes.append(
                f"{one.model}, from start to end: {time_text(expected)} planned, {time_text(one.lasted)} real."
            )
    return Table("Planned and real", COLUMNS, tuple(rows), tuple(notes))


def outcome_document(outcomes: Sequence[ModelOutcome]) -> list[Mapping[str, object]]:
    """The same for machines, unrounded."""
    return [
        {
            "model": one.model,
            "task": real.planned.task,
            "seconds_of_the_run": one.lasted,
            **{
                f"{key}_{which}": getattr(of, key)
                for key in ("samples", "tokens_in", "tokens_out", "seconds", "dollars")
                for which, of in (("planned", real.planned), ("real", real))
            },
        }
        for one in outcomes
        for real in one.tasks
    ]


def _both(planned: float | None, real: float | None, text: object) -> str:
    assert callable(text)
    return " / ".join(UNKNOWN if value is None else text(value) for value in (planned, real))
