"""What a manifest says of a run, as named lines of text: nothing is left out that could explain a difference.

Every text has gone through `privacy`, since a report is forwarded and a run folder is not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from harness.html_report.document import ReportRun
from harness.privacy import presentable, presentable_command

# Facts that two runs never share, and that explain no difference
OWN = ("run id", "folder", "command", "started", "took", "resumed", "state")
# Shown under names of their own
SHOWN_APART = ("engine", "model", "style", "revision", "digests")
SHORT = 12


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: `name` is unique in a run."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Protocol:
    """How one task was run. `template`: the digest of the prompt's page section; equal protocols compare equal."""

    task: str
    samples: str
    style: str
    shots: str
    template: str
    decoding: str
    scoring: str
    metrics: str
    repeats: str
    data: str
    revision: str
    data_digest: str
    requests_digest: str


def run_facts(run: ReportRun) -> tuple[Fact, ...]:
    """Return the facts about a run, its tasks excepted, in the order of a reader's questions."""
    return tuple(Fact(name, presentable(value)) for name, value in _facts(run) if value not in ("", "{}", "[]", "null"))


def _facts(run: ReportRun) -> Iterator[tuple[str, str]]:
    manifest = run.manifest
    yield "model", manifest.model_name
    yield "model path", manifest.model_path
    yield "model revision", manifest.identity.model.revision or ""
    for kind, digest in manifest.digests.items():
        yield f"digest of {kind.replace('_', ' ')}", str(digest)
    yield "suite", manifest.suite_name
    yield "engine", manifest.identity.engine.name
    yield "prompts", manifest.identity.engine.style
    engine = {key: value for key, value in manifest.engine.items() if key not in SHOWN_APART}
    yield from _flat(engine, "")
    yield "run id", manifest.run_id
    yield "folder", str(run.folder)
    yield "command", presentable_command(manifest.command)
    yield "state", run.state
    yield "shard", manifest.shard_text
    yield "merged from", _merged(manifest.merged)
    yield "started", when(manifest.started_at)
    if manifest.finished_at is not None and manifest.started_at:
        yield "took", took(manifest.finished_at - manifest.started_at)
    yield "resumed", f"{manifest.resumed} times" if manifest.resumed else ""
    yield "limit", "" if manifest.config.get("limit") is None else f"{manifest.config['limit']} samples a task"
    yield "seed", str(manifest.identity.written.get("seed", ""))
    yield "sandbox", manifest.sandbox or ""
    yield from _flat(manifest.identity.written.get("execution") or {}, "execution: ")
    yield from _flat(manifest.packages, "package: ")
    yield from _flat(manifest.machine, "machine: ")


def _merged(merged: Mapping[str, Any]) -> str:
    """From which shards a run was merged: when each of them ran, and how often it was resumed."""
    if not merged:
        return ""
    shards = []
    for one in merged["shards"]:
        spent = took(one["finished_at"] - one["started_at"]) if one["finished_at"] else one["state"]
        again = f", resumed {one['resumed']} times" if one["resumed"] else ""
        shards.append(f"{one['number']}: {one['folder']}, {one['answered']} answers, {spent}{again}")
    return f"{len(shards)} of {merged['of']} shards ({'; '.join(shards)})"


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Leaves by their dotted names; lists of texts on one line."""
    for key, value in values.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}: ")
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            yield name, "; ".join(value)
        elif value is not None:
            yield name, value if isinstance(value, str) else json.dumps(value, default=str)


def protocols(run: ReportRun) -> tuple[Protocol, ...]:
    """Return the protocol of each task, in the order of the suite."""
    return tuple(_protocol(run, task) for task in run.manifest.identity.tasks)


def _protocol(run: ReportRun, task: str) -> Protocol:
    facts = {**run.manifest.tasks[task], **run.manifest.identity.written["tasks"][task]}
    identity, page = run.manifest.task(task), facts["page"]
    data = page.get("data", {})
    place = "/".join(str(data[key]) for key in ("path", "name", "split") if data.get(key))
    return Protocol(
        task=task,
        samples=f"{facts['n']} of {facts['total']}" if "n" in facts else str(facts["total"]),
        style=identity.style,
        shots=str(identity.shots),
        template=digest_of(page.get("prompt", {})),
        decoding=_decoding(page),
        scoring="; ".join(map(_scoring, page.get("score", ()))),
        metrics=", ".join(identity.metrics),
        repeats=str(identity.repeats),
        data=presentable(place),
        revision=str(facts.get("commit") or facts.get("revision") or "-")[:SHORT],
        data_digest=str(facts.get("data") or "-")[:SHORT],
        requests_digest=str(facts.get("ask") or "-")[:SHORT],
    )


def _decoding(page: Mapping[str, Any]) -> str:
    sampling = page.get("sampling")
    if not sampling:
        return "likelihood"
    named = {key: value for key, value in sampling.items() if key != "temperature" or value}
    words = [] if sampling.get("temperature") else ["greedy"]
    return ", ".join([*words, *(f"{key} {_compact(value)}" for key, value in named.items())])


def _scoring(entry: Mapping[str, Any]) -> str:
    extract = entry.get("extract") or {}
    extract = {"by": extract} if isinstance(extract, str) else extract
    rest = {key: value for key, value in entry.items() if key not in ("by", "extract")}
    how = {key: value for key, value in extract.items() if key != "by"}
    scorer = f"{entry.get('by', '?')}{' ' + _compact(rest) if rest else ''}"
    return f"{scorer} of {extract['by']}{' ' + _compact(how) if how else ''}" if "by" in extract else scorer


def _compact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def templates(run: ReportRun) -> dict[str, str]:
    """Return the prompts of a run's task pages by their digests: each once, however many tasks share it."""
    pages = (facts["page"].get("prompt", {}) for facts in run.manifest.identity.written["tasks"].values())
    return {digest_of(prompt): json.dumps(prompt, indent=1, ensure_ascii=False) for prompt in pages}


def digest_of(value: Any) -> str:
    """Return the beginning of the SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:SHORT]


def when(seconds: float) -> str:
    """A time since the epoch as a date in UTC; "" where it is not known."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if seconds else ""


def took(seconds: float) -> str:
    """A duration in its two largest units."""
    whole = max(0, round(seconds))
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next((place for place, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2])
