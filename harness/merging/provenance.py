"""The manifest of a run that is merged from shards: what they share, each shard by itself, and in what they differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.merging.shards import ShardRun, Shards
from harness.store.manifest import Manifest

# Of a machine, what may change an answer
OF_MACHINE = ("system", "processor")
# Keys of an engine's facts that differ without a meaning, or are compared apart
APART = ("digests", "notes", "server", "deterministic")
# What of a server may change answers, by its name in a note
OF_SERVER = ("fingerprint", "window", "version", "provider")
LONGEST = 60


def merged_manifest(shards: Shards, command: Sequence[str]) -> Manifest:
    """Return the manifest of the whole run; its identity is that of every shard."""
    found = shards.found
    # One without requests has not loaded its engine
    first = next((one.manifest for one in found if one.answered), found[0].manifest)
    digest = hashlib.sha256("\n".join(one.manifest.run_id for one in found).encode()).hexdigest()
    finished = [one.manifest.finished_at for one in found]
    return replace(
        first,
        run_id=digest[:16],
        config={**first.config, "shard": None},
        engine=_engine(shards, first),
        tasks={task: {**facts, "n": found[0].parts[task].whole} for task, facts in first.tasks.items()},
        command=tuple(command),
        status="finished" if shards.is_whole else "interrupted",
        started_at=min(one.manifest.started_at for one in found),
        finished_at=max((each for each in finished if each is not None), default=None) if shards.is_whole else None,
        sandbox=next((one.manifest.sandbox for one in found if one.manifest.sandbox), None),
        resumed=sum(one.manifest.resumed for one in found),
        packages=_common([one.manifest.packages for one in found]),
        machine=_common([one.manifest.machine for one in found]),
        shard={},
        merged={"of": shards.of, "missing": list(shards.missing), "shards": [_entry(one) for one in found]},
    )


def differing(shards: Shards) -> list[str]:
    """Return a line for each thing in which the shards differ and that may change an answer or a score."""
    answered = [one for one in shards.found if one.answered]
    facts = [dict(_facts(one.manifest)) for one in answered]
    lines = []
    for name in dict.fromkeys(name for own in facts for name in own):
        by_value: dict[str, list[int]] = {}
        for one, own in zip(answered, facts, strict=True):
            if name in own:
                by_value.setdefault(own[name], []).append(one.number)
        if len(by_value) > 1:
            shown = "; ".join(f"{value} ({_numbers(numbers)})" for value, numbers in by_value.items())
            lines.append(f"the shards differ in {name}: {shown}")
    return lines


def _facts(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What may change an answer or a score and is not in the identity, as named texts."""
    for name, version in manifest.packages.items():
        yield f"the version of {name}", str(version)
    for name in OF_MACHINE:
        yield f"the machine's {name}", str(manifest.machine.get(name, "unknown"))
    if manifest.sandbox:
        yield "the sandbox", manifest.sandbox
    engine = {key: value for key, value in manifest.engine.items() if key not in APART}
    # When the execution mode was checked, which is the same mode either way
    yield from (fact for fact in _flat(engine, "the engine's ") if not fact[0].endswith(".self_check"))
    server = manifest.engine.get("server") or {}
    for name in OF_SERVER:
        if server.get(name):
            yield f"the server's {name}", _text(server[name])


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _numbers(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:8]))
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return f"shard{'s' if len(numbers) > 1 else ''} {named}{more}"


def _engine(shards: Shards, first: Manifest) -> dict[str, Any]:
    """The engine's facts of the first shard that has answers, with the notes of all."""
    notes = [note for one in shards.found for note in one.manifest.engine.get("notes", ())]
    return {**first.engine, "notes": list(dict.fromkeys([*notes, *differing(shards)]))}


def _common(sections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that all sections share."""
    first, *rest = sections
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in rest)}


def _entry(one: ShardRun) -> dict[str, Any]:
    """A shard, for the manifest."""
    manifest = one.manifest
    return {
        "number": one.number,
        "folder": one.folder.absolute().name,
        "run_id": manifest.run_id,
        "state": one.state,
        "answered": one.answered,
        "requested": one.requested,
        "started_at": manifest.started_at,
        "finished_at": manifest.finished_at,
        "resumed": manifest.resumed,
        "sandbox": manifest.sandbox,
        "machine": dict(manifest.machine),
        "packages": dict(manifest.packages),
        "notes": list(manifest.engine.get("notes", ())),
        "command": list(manifest.command),
    }
