"""`shard.json` of a shard's run folder: which samples it has, and their places in the whole run.

With the files of all shards `harness merge` puts the records into the order of the tasks, and knows that none is
missing, without data or model. The manifest has the shard's number; this file has what only a merge needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import RunFolderError
from harness.store.run_folder import SHARD_FILE, write_text

SHARD_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class TaskPart:
    """A shard's samples of one task: `ids`, with their `places` (from 0) among the `whole` number of samples.

    `order` is a digest of the ids of all samples of the whole run, equal in all shards of one run.
    """

    whole: int
    order: str
    ids: tuple[str, ...]
    places: tuple[int, ...]


def part_of(every: Sequence[str], own: Sequence[str]) -> TaskPart:
    """Return the part that a shard with the samples `own` has of all samples `every`, both by id and in order."""
    kept = frozenset(own)
    places = tuple(place for place, name in enumerate(every) if name in kept)
    order = hashlib.sha256(json.dumps(list(every)).encode()).hexdigest()
    return TaskPart(len(every), order, tuple(every[place] for place in places), places)


def write(folder: Path, parts: Mapping[str, TaskPart]) -> None:
    """Write the parts, by task. Raises StorageError."""
    values = {"schema": SHARD_SCHEMA, "tasks": {task: asdict(part) for task, part in parts.items()}}
    write_text(folder / SHARD_FILE, json.dumps(values) + "\n")


def read(folder: Path) -> dict[str, TaskPart]:
    """Read them. Raises RunFolderError, also for a file that names a sample or a place twice."""
    path = folder / SHARD_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("schema") != SHARD_SCHEMA:
            raise ValueError(f"not a shard's samples of schema {SHARD_SCHEMA}")
        parts: dict[str, TaskPart] = _adapter().validate_python(values.get("tasks"))
        for task, part in parts.items():
            whole = range(part.whole)
            if len(part.ids) != len(part.places) or not all(place in whole for place in part.places):
                raise ValueError(f"{task}: its places do not fit its samples")
            if len({*part.ids}) < len(part.ids) or len({*part.places}) < len(part.places):
                raise ValueError(f"{task}: a sample is there twice")
    except FileNotFoundError:
        raise RunFolderError(f"{path}: is missing; run the command of this shard again, which writes it") from None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunFolderError(
            f"{path}: cannot be read: {reason}; run the command of this shard again, which writes it"
        ) from None
    return parts


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(dict[str, TaskPart])


def missing_shards(numbers: Sequence[int], of: int) -> str:
    """Return which shards are missing, as `shards 3 and 7 of 8 are missing`."""
    *first, last = [str(number) for number in numbers]
    named = f"{', '.join(first)} and {last}" if first else last
    return f"shard{'s' if first else ''} {named} of {of} {'are' if first else 'is'} missing"
