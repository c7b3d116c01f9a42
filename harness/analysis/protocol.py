"""How the protocols of two runs differ: checked before a difference of scores is attributed to the models.

Reads the manifest's identity and task fingerprints. `refused` are settings that change what a score means (shots,
template, decoding, extraction, data, style, repeats, limits on programs); `noted` are facts that may move a score a
little or belong to the model (device, dtype, engine, seed, window, end tokens), listed beside the result. Guarantees
that a field not known to be harmless counts as refused. Sees only what the manifest records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Counts of what was run; samples are paired, so they explain nothing
COUNTS = ("n", "total")
# Hashes that differ because a field beside them does
DERIVED = ("ask", "version")
OF_THE_MODEL = ("context_window", "end_token_ids", "eos_token_id", "bos_token_id")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field, by its dotted name in the manifest, and its two values (None: absent, so the default)."""

    field: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class ProtocolDifferences:
    """Fields that forbid a comparison unless the user allows it, and fields to list beside it."""

    refused: tuple[Difference, ...]
    noted: tuple[Difference, ...]


def protocol_differences(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    tasks: Sequence[str],
    throughput_options: Collection[str] = (),
) -> ProtocolDifferences:
    """Compare two manifests' `identity` on the given tasks, which both have.

    `throughput_options`: settings of the engine that change only the speed, which early versions recorded there too.
    """
    refused: list[Difference] = []
    noted: list[Difference] = []
    for task in tasks:
        one, other = a["tasks"][task], b["tasks"][task]
        same_rows = (
            all(one.get(key) == other.get(key) for key in ("data", "shots_data")) and one.get("data") is not None
        )
        for found in _of_task(task, one, other):
            # two revisions of a data set whose rows are the same are one data set
            (noted if same_rows and found.field.endswith(".revision") else refused).append(found)
    for found in _walk(a.get("execution") or {}, b.get("execution") or {}, "execution."):
        (noted if found.field == "execution.sandbox" else refused).append(found)
    engine_a, engine_b = a["engine"], b["engine"]
    for found in _walk(engine_a.get("generation") or {}, engine_b.get("generation") or {}, "engine.generation."):
        key = found.field.split(".")[2]
        if not found.a and not found.b and {} in (found.a, found.b):
            # Nothing was set, whether or not the engine has such a setting
            continue
        # An engine that does not report a setting (answers from a file) is not refused for it
        harmless = key in OF_THE_MODEL or key in throughput_options or found.a is None or found.b is None
        (noted if harmless else refused).append(found)
    for key in ("name", "device", "dtype"):
        if engine_a.get(key) != engine_b.get(key):
            noted.append(Difference(f"engine.{key}", engine_a.get(key), engine_b.get(key)))
    refused += _of_model(a["model"], b["model"])
    if a.get("seed") != b.get("seed"):
        noted.append(Difference("seed", a.get("seed"), b.get("seed")))
    return ProtocolDifferences(tuple(refused), tuple(noted))


def _of_task(task: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    kept_a, kept_b = ({k: v for k, v in side.items() if k not in COUNTS + DERIVED} for side in (a, b))
    found = list(_walk(kept_a, kept_b, f"tasks.{task}."))
    if not found and a.get("ask") != b.get("ask"):
        found.append(Difference(f"tasks.{task}.ask", a.get("ask"), b.get("ask")))
    return found


def _of_model(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Differences for the same weights: another template or tokenizer is then part of the protocol."""
    same = all(a.get(key) == b.get(key) for key in ("name", "revision", "weights"))
    return [found for found in _walk(a, b, "model.") if same]


def _walk(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str) -> Iterator[Difference]:
    """Leaves on which two nested mappings differ; lists of mappings are walked by place."""
    for key in sorted({*a, *b}):
        one, other = a.get(key), b.get(key)
        if one == other:
            continue
        nested_one, nested_other = _as_mapping(one), _as_mapping(other)
        if nested_one is not None and nested_other is not None:
            yield from _walk(nested_one, nested_other, f"{prefix}{key}.")
        else:
            yield Difference(f"{prefix}{key}", one, other)


def _as_mapping(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
        return {str(place): entry for place, entry in enumerate(value)}
    return None
