"""One folder per run: `manifest.json`, `records.jsonl`, and the results computed from them.

Only one process at a time may write to it (a lock that the kernel releases when the process dies). Opening it for a run
of another model, suite or data is refused with the names of the fields that differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.datatypes import Record
from harness.errors import RunFolderError, unwritable
from harness.store import attempts, journal, manifest
from harness.store.attempts import ATTEMPTS
from harness.store.identity import Section
from harness.store.journal import Binary, Journal
from harness.store.manifest import Manifest
from harness.store.slim import slim

MANIFEST = "manifest.json"
# In the folder of a run that sampled until a claim was decided
DRAWN_FILE = "claim.json"
# In the folder of a shard
SHARD_FILE = "shard.json"
RECORDS = "records.jsonl"
# Ends the hidden name of a folder that a merge has not completed
MERGING = ".merging"
# Scorers that give only 0 and 1, for runs whose manifest does not list them
ALWAYS_BINARY = {"exact_match", "math_equality", "unit_tests", "choice"}
# An engine's digest of its weights: of all bytes, or of samples of them
OF_WEIGHTS = ("weights", "weights_sampled")
# What of a server's facts must not change: in words, and where it is in them
SERVER_IDENTITY = {"model": ("model",), "set of sampler fields": ("dialect", "sampler")}
# What may change, with a note
SERVER_NOTES = {"fingerprint": "fingerprint", "window": "window", "version": "version", "provider": "provider"}
# The only files that a run killed before its first manifest can leave
LEFT_BY_A_KILL = (".lock", MANIFEST + ".new")


@dataclass(slots=True)
class RunFolder:
    """A folder opened for writing, with its records so far, without their texts."""

    path: Path
    manifest: Manifest
    records: list[Record]
    journal: Journal
    _lock: Any

    def mark(self, status: str, finished_at: float | None, **changes: Any) -> None:
        """Write the run's status, and any other `changes`, to its manifest."""
        self.manifest = replace(self.manifest, status=status, finished_at=finished_at, **changes)
        manifest.write(self.path / MANIFEST, self.manifest)

    def keep_weights(self, digests: Mapping[str, str]) -> None:
        """Record the digest of the loaded weights. Raises RunFolderError if the answers are of other weights."""
        _refuse_other_weights(self.path, self.manifest.digests, digests)
        if _of_weights(digests) != _of_weights(self.manifest.digests):
            engine = {**self.manifest.engine, "digests": dict(digests)}
            self.mark(self.manifest.status, self.manifest.finished_at, engine=engine)

    def keep_server(self, server: Mapping[str, Any]) -> None:
        """Record what a start probe found out. Raises RunFolderError if the answers are of another model or sampler.

        Other differences that may change answers become notes.
        """
        before = self.manifest.engine.get("server") or {}
        if not server or server == before:
            return
        if not self.records:
            # Nothing was answered by the server as it was
            before = {}
        _refuse_other_server(self.path, before, server)
        notes = [*self.manifest.engine.get("notes", ()), *_server_notes(before, server)]
        engine = {**self.manifest.engine, "server": dict(server), "notes": list(dict.fromkeys(notes))}
        self.mark(self.manifest.status, self.manifest.finished_at, engine=engine)

    def with_notes(self, engine: Mapping[str, Any]) -> Mapping[str, Any]:
        """An engine's facts, with the notes about its server in the manifest: those of earlier tries too."""
        if not engine.get("server"):
            return engine
        return {**engine, "notes": list(dict.fromkeys([*self.manifest.engine.get("notes", ()), *engine["notes"]]))}

    def close(self) -> None:
        """Close the journal and release the lock; safe to call twice."""
        try:
            self.journal.close()
        finally:
            self._lock.release()


def open_run(path: Path, fresh: Manifest) -> RunFolder:
    """Create the folder, or resume its run.

    Raises RunFolderError when it holds another run or is being written, StorageError when it cannot be written.
    """
    lock = lock_folder(path)
    try:
        if (path / MANIFEST).exists():
            current = _resumed(path, manifest.read(path / MANIFEST), fresh)
        elif any(entry.name not in LEFT_BY_A_KILL for entry in path.iterdir()):
            raise RunFolderError(f"{path} is not empty and holds no run; give another --out")
        else:
            current = fresh
        records = _read_slim(path, current)
        manifest.write(path / MANIFEST, current)
        return RunFolder(path, current, records, Journal(path / RECORDS), lock)
    except BaseException:
        lock.release()
        raise


def _resumed(path: Path, kept: Manifest, fresh: Manifest) -> Manifest:
    """The manifest of a folder's run that goes on. Raises RunFolderError where it is another run."""
    differing = differences(kept.identity.written, fresh.identity.written)
    if (kept.shard_name, fresh.shard_name) != ("", "") and kept.shard_name != fresh.shard_name:
        raise RunFolderError(
            f"{path} holds {kept.shard_name or 'a run without --shard'}, and this is "
            f"{fresh.shard_name or 'a run without --shard'}; give another --out"
        )
    if differing and _nothing_done(path, kept):
        # Left by a run that was refused before its first answer: only a start probe's attempts are in it
        (path / ATTEMPTS).unlink(missing_ok=True)
        return fresh
    if differing:
        raise RunFolderError(
            f"{path} holds a run that differs in {', '.join(differing[:4])}; give another --out or delete it"
        )
    now = fresh.digests
    _refuse_other_weights(path, kept.digests, now)
    # Weights that are not downloaded yet are compared after loading
    digests = {**_of_weights(kept.digests), **now}
    engine = {**fresh.engine, "digests": digests} if digests else fresh.engine
    if server := kept.engine.get("server"):
        # Compared after loading
        notes = dict.fromkeys([*kept.engine.get("notes", ()), *engine.get("notes", ())])
        engine = {**engine, "server": server, "notes": list(notes)}
    if kept.status == "finished":
        return replace(kept, config=fresh.config, tasks=fresh.tasks, shard=fresh.shard)
    # The config of this command (the limit may have changed), the id and start time of the first
    return replace(
        fresh,
        engine=engine,
        run_id=kept.run_id,
        started_at=kept.started_at,
        resumed=kept.resumed + 1,
        merged=kept.merged,
    )


def _nothing_done(path: Path, kept: Manifest) -> bool:
    """Whether a folder holds a run that never got an answer to a task: nothing is lost with it."""
    usual = {".lock", MANIFEST, MANIFEST + ".new", RECORDS, ATTEMPTS, SHARD_FILE}
    records = path / RECORDS
    empty = not records.exists() or records.stat().st_size == 0
    if kept.status == "finished" or not empty or any(entry.name not in usual for entry in path.iterdir()):
        return False
    return not any(attempt.key and attempt.kept for attempt in attempts.read(path / ATTEMPTS))


def identity_digests(digests: Mapping[str, str], revision: str | None) -> dict[str, str]:
    """The digests of a model that identify it beside its `revision`, a commit of the hub.

    Those of its weights are left out if there is one: they are unknown until the weights are downloaded.
    """
    left_out = OF_WEIGHTS if revision else ()
    return {name: digest for name, digest in digests.items() if name not in left_out}


def _of_weights(digests: Mapping[str, str]) -> dict[str, str]:
    return {name: digests[name] for name in OF_WEIGHTS if name in digests}


def _refuse_other_weights(path: Path, before: Mapping[str, str], digests: Mapping[str, str]) -> None:
    kept, now = _of_weights(before), _of_weights(digests)
    if kept and now and kept != now:
        first, second = (next(iter(digests.values()))[:12] for digests in (kept, now))
        raise RunFolderError(
            f"{path} holds answers of other weights (digest {first}, now {second}); give another --out or delete it"
        )


def _refuse_other_server(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise RunFolderError where another model is served, or other sampler settings are sent."""
    for what, keys in SERVER_IDENTITY.items():
        old, new = nested(before, keys), nested(now, keys)
        if "" not in (old, new) and None not in (old, new) and old != new:
            raise RunFolderError(
                f"{path} holds answers of a server with another {what} ({_shown(old)}, now {_shown(new)}); "
                "give another --out or delete it"
            )


def _server_notes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs from an earlier try and may change answers, for the manifest."""
    return [
        f"the server's {what} changed between two tries of this run, from {_shown(before[key])} to {_shown(now[key])}"
        for key, what in SERVER_NOTES.items()
        if before.get(key) and now.get(key) and before[key] != now[key]
    ]


def nested(values: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the value at a path of keys, None where there is none."""
    inner: Any = values
    for key in keys:
        inner = inner.get(key) if isinstance(inner, Mapping) else None
    return inner


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def read_run(path: Path, *, partial: bool = False) -> tuple[Manifest, list[Record]]:
    """Return a run's manifest and complete records, for reading only. Raises RunFolderError.

    Also for a finished run that lacks records, unless `partial`.
    """
    kept = read_manifest(path)
    records = _latest(record for _, record in journal.stream(path / RECORDS, binary_scorers(kept)))
    if not partial:
        refuse_incomplete(path, kept, len(records))
    return kept, records


def read_scores(path: Path, *, partial: bool = False) -> tuple[Manifest, list[Record]]:
    """Return the same without texts (`slim.slim`), for what is computed from scores. Raises RunFolderError."""
    kept = read_manifest(path)
    records = _read_slim(path, kept)
    if not partial:
        refuse_incomplete(path, kept, len(records))
    return kept, records


def select(path: Path, takes: Callable[[Record], bool]) -> tuple[Manifest, list[int]]:
    """Return a run's manifest, and where the selected records are in its journal (`journal.at` reads them).

    Of a sample that was tried again the last record counts. Holds no texts in memory. Raises RunFolderError, also for
    a finished run that lacks records.
    """
    kept = read_manifest(path)
    places: dict[str, int] = {}
    keys: set[str] = set()
    for offset, record in journal.stream(path / RECORDS, binary_scorers(kept)):
        keys.add(record.request.key)
        places.pop(record.request.key, None)
        if takes(record):
            places[record.request.key] = offset
    refuse_incomplete(path, kept, len(keys))
    return kept, list(places.values())


def requested(path: Path, kept: Manifest) -> int:
    """Return how many requests a run has, by its manifest. Raises RunFolderError for a wrong key."""
    tasks = kept.identity.tasks
    return sum(
        facts.whole("n") * (tasks[name].repeats if name in tasks else 1)
        for name, facts in Section(kept.tasks, str(path / MANIFEST), "tasks.").sections().items()
        if "n" in facts.values
    )


def refuse_incomplete(path: Path, kept: Manifest, records: int) -> None:
    """Raise RunFolderError for a finished run with fewer records than requests.

    A run that stopped when a claim was settled has fewer.
    """
    whole = requested(path, kept)
    if kept.status != "finished" or records >= whole or (path / DRAWN_FILE).is_file():
        return
    there = path / RECORDS
    what = f"has {records} of the {whole} records" if there.exists() else f"is missing: it had {whole} records"
    raise RunFolderError(f"{there}: {what} of this finished run; restore the file, or run its command again")


def refuse_shard(path: Path, kept: Manifest) -> None:
    """Raise RunFolderError for a shard, where its scores would pass for those of a run."""
    if kept.shard:
        raise RunFolderError(
            f"{path} is only a part of a run ({kept.shard_text}); make one run of all shards with `harness merge`"
        )


def read_manifest(path: Path) -> Manifest:
    """Return a run's manifest. Raises RunFolderError."""
    if not path.is_dir():
        raise RunFolderError(f"{path}: no such run folder")
    return manifest.read(path / MANIFEST)


def binary_scorers(kept: Manifest) -> Binary:
    """Return the scorers that give only 0 and 1: those in the manifest, or the known ones where it lists none."""
    binary: set[tuple[str, str]] = set()
    for task, facts in kept.tasks.items():
        entries = facts.get("page", {}).get("score", ())
        known = [entry.get("name", entry["by"]) for entry in entries if entry.get("by") in ALWAYS_BINARY]
        binary.update((task, scorer) for scorer in facts.get("binary", known))
    return frozenset(binary)


def _read_slim(path: Path, kept: Manifest) -> list[Record]:
    return _latest(slim(record) for _, record in journal.stream(path / RECORDS, binary_scorers(kept)))


def _latest(records: Iterable[Record]) -> list[Record]:
    """Return the last record of each key: a sample that a fault of the harness left unscored may have been retried."""
    return list({record.request.key: record for record in records}.values())


def lock_folder(path: Path) -> Any:
    """Create the folder if necessary and acquire its lock. Raises RunFolderError, and UserError or StorageError."""
    from filelock import FileLock, Timeout

    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise RunFolderError(f"{path} is being written by another process; wait for it or give another --out") from None
    except FileExistsError:
        raise RunFolderError(f"{path} is a file, not a folder; give another --out") from None
    except OSError as error:
        raise unwritable(path, error) from None
    return lock


def write_text(path: Path, text: str) -> None:
    """Write a file in one step. Raises UserError or StorageError."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None


def differences(kept: Mapping[str, Any], fresh: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted names of the values in which two nested mappings differ."""
    differing: list[str] = []
    for key in sorted({*kept, *fresh}):
        old, new = kept.get(key), fresh.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            differing += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            differing.append(f"{prefix}{key}")
    return differing
