"""How the protocols of two runs differ: checked before a difference of scores is attributed to the models.

Reads the manifest's identity and task fingerprints. `refused` are settings that change what a score means (shots,
template, decoding, extraction, data, style, repeats, limits on programs); `noted` are facts that may move a score a
little or belong to the model (device, dtype, engine, seed, window, end tokens), listed beside the result. Guarantees
that a field not known to be harmless counts as refused. A setting that only one of two engines has is left out where
its value changes nothing. Sees only what the manifest records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Counts of what was run; samples are paired, so they explain nothing
COUNTS = ("n", "total", "sample")
# Hashes that differ because a field beside them does
DERIVED = ("ask", "version")
OF_THE_MODEL = ("context_window", "end_token_ids", "eos_token_id", "bos_token_id")
# What tells one model from another; the digest of large weights has a name of its own
OF_THE_SAME_MODEL = ("name", "revision", "weights", "weights_sampled", "adapter", "gguf")
# Values that change no answer, of settings that another engine does not have
IDLE_VALUES: Mapping[str, Any] = {"overflow": "truncate_left", "repetition_penalty": 1.0, "num_beams": 1}


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
    one_limits, other_limits = a.get("execution"), b.get("execution")
    # A run without limits ran no programs, so no shared task has any
    for found in _walk(one_limits, other_limits, "execution.") if one_limits and other_limits else ():
        (noted if found.field == "execution.sandbox" else refused).append(found)
    of_engines = _of_engines(a, b, throughput_options)
    refused += of_engines.refused
    noted += of_engines.noted
    refused += _of_model(a["model"], b["model"])
    if a.get("seed") != b.get("seed"):
        noted.append(Difference("seed", a.get("seed"), b.get("seed")))
    return ProtocolDifferences(tuple(refused), tuple(noted))


def _of_engines(a: Mapping[str, Any], b: Mapping[str, Any], throughput_options: Collection[str]) -> ProtocolDifferences:
    refused: list[Difference] = []
    noted: list[Difference] = []
    one, other = a["engine"], b["engine"]
    same_engine = one.get("name") == other.get("name")
    way_one, way_other = _way(a), _way(b)
    if way_one and way_other and way_one != way_other:
        refused.append(Difference("engine.generation.prompts", way_one, way_other))
    for found in _walk(one.get("generation") or {}, other.get("generation") or {}, "engine.generation."):
        key = found.field.split(".")[2]
        if key == "prompts" or (not found.a and not found.b and {} in (found.a, found.b)):
            # Compared above; or nothing was set, whether or not the engine has such a setting
            continue
        absent = found.a is None or found.b is None
        of_the_model = key in OF_THE_MODEL or key in throughput_options
        value = found.b if found.a is None else found.a
        if absent and not same_engine and (of_the_model or not value or value == IDLE_VALUES.get(key)):
            continue
        # An engine that does not report a setting (answers from a file) is not refused for it
        (noted if of_the_model or absent else refused).append(found)
    for key in ("name", "device", "dtype"):
        found = Difference(f"engine.{key}", one.get(key), other.get(key))
        # A server states no device
        if found.a != found.b and (key != "device" or same_engine or None not in (found.a, found.b)):
            noted.append(found)
    return ProtocolDifferences(tuple(refused), tuple(noted))


def _way(identity: Mapping[str, Any]) -> str | None:
    """How prompts reached the model: exact where its own tokenizer is known, as in a run on this machine.

    None where that is not known (answers from a file).
    """
    way = (identity["engine"].get("generation") or {}).get("prompts")
    return str(way) if way else "exact" if identity["model"].get("tokenizer") else None


def _of_task(task: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    kept_a, kept_b = ({k: v for k, v in side.items() if k not in COUNTS + DERIVED} for side in (a, b))
    found = list(_walk(kept_a, kept_b, f"tasks.{task}."))
    if not found and a.get("ask") != b.get("ask"):
        found.append(Difference(f"tasks.{task}.ask", a.get("ask"), b.get("ask")))
    return found


def _of_model(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Differences for the same weights: another template or tokenizer is then part of the protocol."""
    same = all(a.get(key) == b.get(key) for key in OF_THE_SAME_MODEL)
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
