"""What an export is: a module with `build() -> Export`, which writes a stored run into a folder.

An export reads records and scores.json; it computes no number. Texts of tasks and models are data: each format escapes
what its readers would obey.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from harness.datatypes import Record
from harness.errors import RunFolderError
from harness.store import journal
from harness.store.manifest import Manifest
from harness.store.run_folder import RECORDS, read_manifest, select

SCORES = "scores.json"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A finished run: its manifest, what scores.json holds, and where its records are in the journal."""

    folder: Path
    manifest: Manifest
    scores: Mapping[str, Any]
    places: Sequence[int]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """The estimates of scores.json, in its order."""
        return list(self.scores["rows"])

    @property
    def date(self) -> datetime:
        """When the run ended (UTC)."""
        return datetime.fromtimestamp(self.manifest.finished_at or self.manifest.started_at, UTC)

    def records(self) -> Iterator[Record]:
        """Yield the records one at a time, in the order of the journal."""
        return journal.at(self.folder / RECORDS, self.places)


class Export(Protocol):
    """One format."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write into the folder `out`, which exists; return the files. Raises ConfigError for a missing package."""


def read_stored(folder: Path) -> StoredRun:
    """Read a run for export. Raises RunFolderError for one that is not finished or has no scores.json."""
    manifest = read_manifest(folder)
    if manifest.status != "finished":
        raise RunFolderError(f"{folder}: the run is not finished; run its command again to go on, then export")
    path = folder / SCORES
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
        rows = scores["rows"]
    except (OSError, ValueError, KeyError, TypeError):
        rows = None
    if not isinstance(rows, list):
        raise RunFolderError(f"{path}: missing or damaged; `harness rescore {folder}` writes it again")
    _, places = select(folder, lambda record: True)
    return StoredRun(folder, manifest, scores, places)
