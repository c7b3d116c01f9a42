"""One folder a run: `manifest.json`, `records.jsonl`, and what is computed from them.

Only one process at a time may write to it (a lock that the kernel frees when its holder dies). Opening it for a
run of another model, suite or data is refused with the names of what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.datatypes import Record
from harness.errors import RunFolderError, StorageError
from harness.store import journal, manifest
from harness.store.journal import Binary, Journal
from harness.store.manifest import Manifest
from harness.store.slim import slim

MANIFEST = "manifest.json"
# Stands in the folder of a run whose samples were drawn for a claim, until the claim was settled
DRAWN_FILE = "claim.json"
RECORDS = "records.jsonl"
# Scorers that gave 0 and 1 alone before runs noted which do
ALWAYS_BINARY = {"exact_match", "math_equality", "unit_tests", "choice"}
# An engine's digest of its weights: of their whole content, or of samples of it
OF_WEIGHTS = ("weights", "weights_sampled")
# All that a run killed before its first manifest can have left
LEFT_BY_A_KILL = (".lock", MANIFEST + ".new")


@dataclass(slots=True)
class RunFolder:
    """A folder opened for writing, with the records that were there, without their texts."""

    path: Path
    manifest: Manifest
    records: list[Record]
    journal: Journal
    _lock: Any

    def mark(self, status: str, finished_at: float | None, **changes: Any) -> None:
        """Set the run's status, and whatever else became known, in its manifest."""
        self.manifest = replace(self.manifest, status=status, finished_at=finished_at, **changes)
        manifest.write(self.path / MANIFEST, self.manifest)

    def keep_weights(self, digests: Mapping[str, str]) -> None:
        """Record the digest of the weights that are loaded. Raises RunFolderError if the answers are of others."""
        _refuse_other_weights(self.path, self.manifest.digests, digests)
        if _of_weights(digests) != _of_weights(self.manifest.digests):
            engine = {**self.manifest.engine, "digests": dict(digests)}
            self.mark(self.manifest.status, self.manifest.finished_at, engine=engine)

    def close(self) -> None:
        """Close the journal and free the lock; safe to call twice."""
        try:
            self.journal.close()
        finally:
            self._lock.release()


def open_run(path: Path, fresh: Manifest) -> RunFolder:
    """Create the folder, or resume the run that is in it.

    Raises RunFolderError when it holds another run or is being written, StorageError when it cannot be written.
    """
    lock = lock_folder(path)
    try:
        if (path / MANIFEST).exists():
            kept = manifest.read(path / MANIFEST)
            differing = differences(kept.identity.written, fresh.identity.written)
            if differing:
                raise RunFolderError(
                    f"{path} holds a run that differs in {', '.join(differing[:4])}; give another --out, or delete it"
                )
            now = fresh.digests
            _refuse_other_weights(path, kept.digests, now)
            # Weights that are not here yet are compared when they are
            digests = {**_of_weights(kept.digests), **now}
            engine = {**fresh.engine, "digests": digests} if digests else fresh.engine
            # Today's config (a limit may have changed), the first try's name and times
            current = replace(
                fresh, engine=engine, run_id=kept.run_id, started_at=kept.started_at, resumed=kept.resumed + 1
            )
            if kept.status == "finished":
                current = replace(kept, config=fresh.config, tasks=fresh.tasks)
        elif any(entry.name not in LEFT_BY_A_KILL for entry in path.iterdir()):
            raise RunFolderError(f"{path} is not empty and holds no run; give another --out")
        else:
            current = fresh
        records = _read_slim(path, current)
        if current is not fresh or not (path / MANIFEST).exists():
            manifest.write(path / MANIFEST, current)
        return RunFolder(path, current, records, Journal(path / RECORDS), lock)
    except BaseException:
        lock.release()
        raise


def _of_weights(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digests[name] for name in OF_WEIGHTS if name in digests}


def _refuse_other_weights(path: Path, before: Mapping[str, str], digests: Mapping[str, str]) -> None:
    kept, now = _of_weights(before), _of_weights(digests)
    if kept and now and kept != now:
        first, second = (next(iter(found.values()))[:12] for found in (kept, now))
        raise RunFolderError(
            f"{path} holds answers of other weights (digest {first}, now {second}); give another --out, or delete it"
        )


def read_run(path: Path) -> tuple[Manifest, list[Record]]:
    """A run's manifest and whole records, for reading only. Raises RunFolderError."""
    kept = read_manifest(path)
    return kept, _latest(record for _, record in journal.stream(path / RECORDS, binary_scorers(kept)))


def read_scores(path: Path) -> tuple[Manifest, list[Record]]:
    """The same without texts (`slim.slim`), for what is computed from scores. Raises RunFolderError."""
    kept = read_manifest(path)
    return kept, _read_slim(path, kept)


def read_manifest(path: Path) -> Manifest:
    """A run's manifest alone. Raises RunFolderError."""
    if not path.is_dir():
        raise RunFolderError(f"{path}: no such run folder")
    return manifest.read(path / MANIFEST)


def binary_scorers(kept: Manifest) -> Binary:
    """Scorers that give 0 and 1 alone: as the run noted, of an older run those that are known to."""
    found: set[tuple[str, str]] = set()
    for task, facts in kept.tasks.items():
        entries = facts.get("page", {}).get("score", ())
        known = [entry.get("name", entry["by"]) for entry in entries if entry["by"] in ALWAYS_BINARY]
        found.update((task, scorer) for scorer in facts.get("binary", known))
    return frozenset(found)


def _read_slim(path: Path, kept: Manifest) -> list[Record]:
    return _latest(slim(record) for _, record in journal.stream(path / RECORDS, binary_scorers(kept)))


def _latest(records: Iterable[Record]) -> list[Record]:
    """The last record of each key: an answer that a fault of ours left unscored may have been tried again."""
    return list({record.request.key: record for record in records}.values())


def lock_folder(path: Path) -> Any:
    """Make the folder if need be and take its lock. Raises RunFolderError, StorageError."""
    from filelock import FileLock, Timeout

    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise RunFolderError(
            f"{path} is being written by another process; wait for it, or give another --out"
        ) from None
    except FileExistsError:
        raise RunFolderError(f"{path} is a file, not a folder; give another --out") from None
    except OSError as error:
        raise RunFolderError(f"{path} cannot be written: {error.strerror}; give another --out") from None
    return lock


def write_text(path: Path, text: str) -> None:
    """Write a file in one step. Raises StorageError."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def differences(kept: Mapping[str, Any], fresh: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of the values that two nested mappings do not share."""
    found: list[str] = []
    for key in sorted({*kept, *fresh}):
        old, new = kept.get(key), fresh.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key}")
    return found
