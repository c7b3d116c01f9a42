"""The runs under a folder, each in a few words: what is in its manifest and scores.json, and whether it is running.

Reads no records but for their number. A folder that cannot be read is listed with its fault, never skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import RunFolderError
from harness.results import Estimate
from harness.store import journal
from harness.store.manifest import Manifest
from harness.store.run_folder import MANIFEST, MERGING, RECORDS, read_manifest, refuse_incomplete, requested
from harness.store.scores import StoredScores, read_estimates

State = Literal["finished", "running", "stopped"]
LOCK = ".lock"
# Where Linux lists who holds which lock
LOCKS = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run. `answered` of `requested`: records that are there; `figures`: the primary score of each task."""

    folder: Path
    manifest: Manifest
    state: State
    answered: int
    requested: int
    figures: tuple[Estimate, ...] = ()
    overall: Estimate | None = None

    def figure(self, task: str = "") -> Estimate | None:
        """The score of a task; of the whole suite where none is named, or of its only task."""
        if task:
            return next((figure for figure in self.figures if figure.task == task), None)
        return self.overall or (self.figures[0] if len(self.figures) == 1 else None)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder with a manifest that is no run, and why."""

    folder: Path
    reason: str


def runs_under(folder: Path) -> Iterator[ListedRun | Unreadable]:
    """Yield the runs in a folder and the folders below it, in the order of their names; a run holds no other run."""
    for path, folders, files in os.walk(folder):
        # Of a merge that goes on, or was killed
        folders[:] = sorted(name for name in folders if not (name.startswith(".") and MERGING in name))
        if MANIFEST in files:
            folders.clear()
            here = Path(path)
            try:
                yield listed(here)
            except RunFolderError as error:
                reason = str(error).removeprefix(f"{here / MANIFEST}: ").removeprefix(f"{here}{os.sep}")
                reason = reason.removeprefix("is damaged: ")
                yield Unreadable(here, reason)


def listed(folder: Path) -> ListedRun:
    """Return one run. Raises RunFolderError for a folder that holds none, or a finished run that lacks records."""
    manifest = read_manifest(folder)
    whole, answered = requested(folder, manifest), _answered(folder)
    if manifest.status != "finished":
        state: State = "running" if _is_locked(folder / LOCK) else "stopped"
        return ListedRun(folder, manifest, state, answered, whole)
    refuse_incomplete(folder, manifest, answered)
    try:
        scores = read_estimates(folder)
    except RunFolderError:
        # The run is whole: `harness rescore` writes its scores again
        scores = StoredScores(())
    return ListedRun(folder, manifest, "finished", whole, whole, scores.primary, scores.overall)


def _answered(folder: Path) -> int:
    return sum(1 for _ in journal.complete_lines(folder / RECORDS))


def _is_locked(lock: Path) -> bool:
    """Whether a process holds the lock, without taking it: a run that starts at this moment must not fail."""
    try:
        held = LOCKS.read_text(encoding="ascii")
        inode = lock.stat().st_ino
    except OSError:
        return False
    return any(
        fields[5].rpartition(":")[2] == str(inode) for line in held.splitlines() if len(fields := line.split()) > 5
    )
