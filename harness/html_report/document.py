"""What the report is made of: the runs and verdicts that go in, and the sections that come out. No I/O.

A section is a module of `sections/` with `build(material) -> Section | None` (None: there is nothing to show), and a
template of the same name in `templates/sections/`. Templates lay out values and compute nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.claims.verdict import Verdict
from harness.datatypes import Record
from harness.results import Estimate
from harness.store.listing import State
from harness.store.manifest import Manifest

# Models named in a title
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class ReportRun:
    """One run. `label` is unique in the report; `records` have no texts (`store.slim`).

    `estimates`: all scores in the order of the run's table; `overall`: of the suite; `warnings`: those of scores.json.
    """

    label: str
    folder: Path
    manifest: Manifest
    state: State
    records: Sequence[Record]
    estimates: tuple[Estimate, ...]
    overall: Estimate | None
    warnings: tuple[str, ...]

    @property
    def primary(self) -> tuple[Estimate, ...]:
        """The first score of each task, in the order of the tasks."""
        return tuple({estimate.task: estimate for estimate in reversed(self.estimates)}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Material:
    """What the report is about: runs, the baseline first, and verdicts. `command`: the command line that made it.

    `with_records`: samples are shown too; `allow_protocol`: runs are compared though their protocols differ; `margin`:
    the difference that still counts as equal; `made`: its date, which every section takes, so that equal material gives
    equal pages.
    """

    runs: tuple[ReportRun, ...]
    verdicts: tuple[Verdict, ...] = ()
    command: tuple[str, ...] = ()
    with_records: bool = True
    allow_protocol: bool = False
    margin: float | None = None
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def title(self) -> str:
        """What the page is about, in one line."""
        suites = ", ".join(dict.fromkeys(run.manifest.suite_name for run in self.runs))
        models = list(dict.fromkeys(run.manifest.shown_name for run in self.runs))
        return f"{', '.join(models) if len(models) <= MOST_NAMED else f'{len(models)} models'} on {suites}"

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks, in the order of the runs."""
        return tuple(dict.fromkeys(estimate.task for run in self.runs for estimate in run.primary))


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page. `id`: its place in links; `lead`: one sentence on what it shows; `data`: for its template."""

    id: str
    title: str
    lead: str
    data: Any
