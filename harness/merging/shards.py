"""Run folders that a user gives -> the shards of one run, or a refusal that names the folder and what is wrong.

Guarantees: the shards that are returned share one identity, the same samples of each task, and the same weights; each
number is there once, and each sample is in one shard. Only `partial` lets shards or answers be missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.datatypes import Record, Refusal
from harness.errors import RunFolderError, UserError
from harness.store import journal, shard
from harness.store.listing import listed
from harness.store.manifest import Manifest
from harness.store.run_folder import (
    OF_WEIGHTS,
    RECORDS,
    SERVER_IDENTITY,
    SHARD_FILE,
    binary_scorers,
    differences,
    nested,
    read_manifest,
)
from harness.store.shard import TaskPart, missing_shards

# Fields named of a folder that is of another run
NAMED = 4
# What of a config decides the samples of a run and its score, and is not in its identity
OF_THE_RUN = ("limit", "limit_seed", "suite")


@dataclass(frozen=True, slots=True)
class ShardRun:
    """A shard that was read. `places`: where the last record of each sample and repeat is in its journal, by task."""

    folder: Path
    manifest: Manifest
    parts: Mapping[str, TaskPart]
    places: Mapping[str, Mapping[tuple[str, int], tuple[str, int]]]
    state: str

    @property
    def number(self) -> int:
        """Its number, from 1."""
        return int(self.manifest.shard["number"])

    @property
    def answered(self) -> int:
        """How many of its requests have a record."""
        return sum(map(len, self.places.values()))

    @property
    def requested(self) -> int:
        """How many requests it has."""
        return sum(len(part.ids) * self.manifest.task(task).repeats for task, part in self.parts.items())

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing in it."""
        return self.state == "finished" and self.answered == self.requested


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of one run, by number; `missing` are the numbers of those that were not given."""

    found: tuple[ShardRun, ...]
    of: int
    missing: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the run is missing."""
        return not self.missing and all(one.is_whole for one in self.found)


def read_shards(folders: Sequence[Path], *, partial: bool) -> Shards:
    """Read shards and check that they are of one run. `partial`: shards and answers may be missing.

    Raises UserError and RunFolderError.
    """
    manifests = [(folder, read_manifest(folder)) for folder in dict.fromkeys(folders)]
    for folder, manifest in manifests:
        if not manifest.shard:
            made = "was merged already" if manifest.merged else "is a whole run"
            raise UserError(f"{folder} is no shard: it {made}; give the folders of `harness run --shard I/N`")
    _refuse_foreign(manifests)
    found, notes = _without_copies([_read(folder, manifest) for folder, manifest in manifests])
    found.sort(key=lambda one: one.number)
    _refuse_other_samples(found)
    _refuse_other_model(found)
    _refuse_shared_samples(found)
    of = int(found[0].manifest.shard["of"])
    missing = tuple(sorted(set(range(1, of + 1)) - {one.number for one in found}))
    if missing and not partial:
        raise UserError(
            f"{missing_shards(missing, of)}; run {'them' if len(missing) > 1 else 'it'}, or merge those that are there "
            "with --partial"
        )
    if not missing:
        _refuse_lost_samples(found)
    for one in found:
        if not one.is_whole and not partial:
            raise UserError(
                f"{one.folder} is not finished ({one.state}, {one.answered} of {one.requested} answers): run its "
                "command again, or merge what is there with --partial"
            )
    return Shards(tuple(found), of, missing, tuple(notes))


def _refuse_foreign(manifests: Sequence[tuple[Path, Manifest]]) -> None:
    """Raise UserError for a shard of another run. The run is the one that most of the folders are of."""
    counts = Counter(repr(_run_of(manifest)) for _, manifest in manifests)
    usual = counts.most_common(1)[0][0]
    first, run = next((folder, _run_of(one)) for folder, one in manifests if repr(_run_of(one)) == usual)
    for folder, manifest in manifests:
        own = _run_of(manifest)
        if own["of"] != run["of"]:
            raise UserError(f"{folder} is one of {own['of']} shards, and {first} one of {run['of']}; leave one out")
        if fields := differences(run, own):
            more = f" and {len(fields) - NAMED} more" if len(fields) > NAMED else ""
            shown = "; ".join(f"{name} ({_value(run, name)} | {_value(own, name)})" for name in fields[:NAMED])
            raise UserError(f"{folder} is of another run than {first}: they differ in {shown}{more}; leave it out")


def _run_of(manifest: Manifest) -> dict[str, Any]:
    config = {key: manifest.config.get(key) for key in OF_THE_RUN}
    return {**manifest.identity.written, **config, "of": manifest.shard["of"], "left_out": dict(manifest.left_out)}


def _value(values: Mapping[str, Any], dotted: str) -> str:
    text = " ".join(str(nested(values, dotted.split("."))).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _read(folder: Path, manifest: Manifest) -> ShardRun:
    parts = shard.read(folder)
    names = {task: frozenset(part.ids) for task, part in parts.items()}
    places: dict[str, dict[tuple[str, int], tuple[str, int]]] = {task: {} for task in manifest.tasks}
    if set(parts) != set(manifest.tasks):
        raise RunFolderError(f"{folder / SHARD_FILE}: its tasks are not those of the manifest; restore the file")
    for offset, record in journal.stream(folder / RECORDS, binary_scorers(manifest)):
        request = record.request
        if request.sample_id not in names.get(request.task, ()):
            raise RunFolderError(
                f"{folder / RECORDS}: has a record of {request.task[:80]}: {request.sample_id[:80]}, which is not in "
                f"{manifest.shard_name}; the file was edited or is of another run"
            )
        places[request.task][request.sample_id, request.repeat] = request.key, offset
    state = listed(folder).state
    return ShardRun(folder, manifest, parts, places, state)


def _without_copies(found: Iterable[ShardRun]) -> tuple[list[ShardRun], list[str]]:
    """Leave out folders with the same records as another one. Raises UserError for a shard that is there twice."""
    kept: dict[int, ShardRun] = {}
    notes = []
    for one in found:
        first = kept.setdefault(one.number, one)
        if first is one:
            continue
        if not _same_records(first, one):
            raise UserError(
                f"{one.manifest.shard_name} is there twice, with other answers: {first.folder} and {one.folder}; "
                "give one of them"
            )
        notes.append(f"{one.folder} has the same answers as {first.folder} and was left out")
    return list(kept.values()), notes


def _same_records(a: ShardRun, b: ShardRun) -> bool:
    """Whether two folders hold the same answers and scores; times may differ."""
    for task, places in a.places.items():
        others = b.places[task]
        if places.keys() != others.keys():
            return False
        records = journal.at(a.folder / RECORDS, [places[key][1] for key in places])
        again = journal.at(b.folder / RECORDS, [others[key][1] for key in places])
        if any(_without_times(one) != _without_times(two) for one, two in zip(records, again, strict=True)):
            return False
    return True


def _without_times(record: Record) -> tuple[Any, ...]:
    reply = record.reply
    if not isinstance(reply, Refusal):
        reply = replace(reply, seconds=None, served=None, cached_tokens=0)
    return record.request, reply, [(score.scorer, score.value, score.answer) for score in record.scores]


def _refuse_other_samples(found: Sequence[ShardRun]) -> None:
    """Raise UserError where the whole run has other samples in one shard than in another."""
    first = found[0]
    for one in found[1:]:
        for task, part in one.parts.items():
            own = first.parts[task]
            if (part.whole, part.order) != (own.whole, own.order):
                raise UserError(
                    f"{one.folder} is of another run than {first.folder}: {task} has other samples there "
                    f"({part.whole}, {own.whole}): was --limit another?"
                )


def _refuse_other_model(found: Sequence[ShardRun]) -> None:
    """Raise UserError where shards were answered by other weights, or by servers with other models or samplers."""
    answering = [one for one in found if one.answered] or found[:1]
    first = answering[0]
    for one in answering[1:]:
        before, now = ({name: each.manifest.digests.get(name) for name in OF_WEIGHTS} for each in (first, one))
        if before != now and any(before.values()) and any(now.values()):
            raise UserError(
                f"{first.folder} and {one.folder} have answers of other weights: {_short(before)}, {_short(now)}; "
                "run one of them again"
            )
        for what, keys in SERVER_IDENTITY.items():
            old, new = (nested(each.manifest.engine.get("server") or {}, keys) for each in (first, one))
            if "" not in (old, new) and None not in (old, new) and old != new:
                raise UserError(
                    f"{first.folder} and {one.folder} have answers of servers with another {what} ({old}, {new}); run "
                    "one of them again"
                )


def _short(digests: Mapping[str, str | None]) -> str:
    return next(digest[:12] for digest in digests.values() if digest)


def _refuse_lost_samples(found: Sequence[ShardRun]) -> None:
    """Raise UserError where all shards are there, and some samples are in none of them."""
    for task, part in found[0].parts.items():
        there = sum(len(one.parts[task].ids) for one in found)
        if there < part.whole:
            raise UserError(
                f"{task}: {part.whole - there} of {part.whole} samples are in none of the shards: they were made by "
                "versions that divide a run in other ways; run them again with one version"
            )


def _refuse_shared_samples(found: Sequence[ShardRun]) -> None:
    """Raise UserError where two shards have one sample: versions of the harness that divide a run in other ways."""
    for task in found[0].parts:
        owner: dict[int, ShardRun] = {}
        for one in found:
            part = one.parts[task]
            for name, place in zip(part.ids, part.places, strict=True):
                if (other := owner.setdefault(place, one)) is not one:
                    raise UserError(
                        f"{other.folder} and {one.folder} both have {task}: {name}: they were made by versions that "
                        "divide a run in other ways; run one of them again"
                    )
