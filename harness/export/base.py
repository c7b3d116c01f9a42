"""What an export is: a module with `build() -> Export`, which writes a stored run into a folder.

An export reads records and scores.json; it computes no number. Texts of tasks and models are data: each format escapes
what its readers would obey.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from harness.config.section import TASK_NAME
from harness.datatypes import Record
from harness.errors import RunFolderError
from harness.results import Estimate
from harness.store import journal
from harness.store.manifest import Manifest
from harness.store.run_folder import MANIFEST, RECORDS, read_manifest, refuse_shard, select
from harness.store.scores import damaged, read_estimates


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A finished run: its manifest, its scores (`primary`: the first of each task), and where its records are.

    `overall`: the score of the whole suite, where it has one; `warnings`: those of scores.json.
    """

    folder: Path
    manifest: Manifest
    estimates: Sequence[Estimate]
    primary: Sequence[Estimate]
    places: Sequence[int]
    overall: Estimate | None = None
    warnings: tuple[str, ...] = ()

    @property
    def date(self) -> datetime:
        """When the run ended (UTC)."""
        return datetime.fromtimestamp(self.manifest.finished_at or self.manifest.started_at, UTC)

    def records(self) -> Iterator[Record]:
        """Yield the records one at a time, in the order of the journal."""
        return journal.at(self.folder / RECORDS, self.places)


class Export(Protocol):
    """One format."""

    def write(self, run: StoredRun, out: Path) -> Sequence[Path | str]:
        """Write into the folder `out`, which exists; return the files, or the addresses of what went elsewhere.

        Raises ConfigError for a missing package.
        """


@runtime_checkable
class Comparing(Export, Protocol):
    """A format that can also show how a run compares with a baseline."""

    def write_compared(self, run: StoredRun, baseline: Path, out: Path, *, allow_protocol: bool) -> Sequence[Path]:
        """Write the run and the comparison. Raises what `compare_runs` raises."""


@runtime_checkable
class Tracker(Export, Protocol):
    """An experiment tracker: several runs go into one store, called `store`."""

    store: str


def read_stored(folder: Path) -> StoredRun:
    """Read a run for export. Raises RunFolderError for one that is not finished or damaged, or whose tasks no run has.

    A run may come from a stranger, and formats name files after tasks: `../x` would be written elsewhere.
    """
    manifest = read_manifest(folder)
    if manifest.status != "finished":
        raise RunFolderError(f"{folder}: the run is not finished; run its command again to go on, then export")
    refuse_shard(folder, manifest)
    for name in manifest.tasks:
        if not re.fullmatch(TASK_NAME.removesuffix("$"), name):
            raise RunFolderError(f"{folder / MANIFEST}: {name[:80]!r} is no name of a task; no run has written this")
    scores = read_estimates(folder)
    if any(estimate.task not in manifest.tasks for estimate in scores.estimates):
        raise damaged(folder)

    def known(record: Record) -> bool:
        if record.request.task not in manifest.tasks:
            raise RunFolderError(f"{folder / RECORDS}: the task {record.request.task[:80]!r} is not in {MANIFEST}")
        return True

    _, places = select(folder, known)
    return StoredRun(folder, manifest, scores.estimates, scores.primary, places, scores.overall, scores.warnings)
