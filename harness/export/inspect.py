"""Logs of Inspect: a `.eval` file for each task, for `inspect view` and everything that reads its logs.

The format (log version 2) is a zip of JSON: `header.json`, `summaries.json` and a file a sample. It is written without
Inspect, whose import takes seconds; the tests read it with Inspect's own reader. A sample that was left unscored has an
error and no score. The right answer is not in a run's records, so `target` is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile

from harness.datatypes import GenerateRequest, Record, Sampling
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable, is_hub_id, model_id, plain_name, score_name
from harness.export.inspect_sample import sample_json, summary_json
from harness.privacy import presentable, presentable_words
from harness.results import Estimate

LOG_VERSION = 2
# Ids that are a plain path inside of the zip; others are quoted
PLAIN_ID = re.compile(r"[^\x00-\x1f\x7f\\/][^\x00-\x1f\x7f\\]*")


@dataclass(slots=True)
class _Log:
    """One task's log while it is written; summaries wait in a file of their own, since a zip is written in order."""

    path: Path
    zip: ZipFile
    summaries: IO[bytes]
    ids: dict[str, None] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    samples: int = 0
    failed: int = 0
    sampling: Sampling | None = None


class InspectExport:
    """Writes a log for each task that has records."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the files."""
        logs: dict[str, _Log] = {}
        with ExitStack() as files:
            for record in run.records():
                task = record.request.task
                if task not in logs:
                    path = out / f"{run.date.strftime('%Y-%m-%dT%H-%M-%S+00-00')}_{plain_name(task)}.eval"
                    archive = files.enter_context(ZipFile(path, "w", ZIP_DEFLATED))
                    logs[task] = _Log(path, archive, files.enter_context(TemporaryFile()))
                _add(logs[task], record, model_id(run))
            for task, log in logs.items():
                _finish(log, run, task)
        return [log.path for log in logs.values()]


def _add(log: _Log, record: Record, model: str) -> None:
    name = _sample_id(record.request.sample_id)
    if log.sampling is None and isinstance(record.request, GenerateRequest):
        log.sampling = record.request.sampling
    sample = sample_json(record, name, model)
    log.zip.writestr(f"samples/{name}_epoch_{sample['epoch']}.json", _dumped(sample))
    log.summaries.write((b",\n" if log.samples else b"") + _dumped(summary_json(sample)).encode())
    log.ids[name] = None
    log.samples += 1
    log.failed += "error" in sample
    for usage in sample["model_usage"].values():
        for key in usage:
            log.usage[key] = log.usage.get(key, 0) + usage[key]


def _sample_id(text: str) -> str:
    """An id that stays inside of `samples/`."""
    name: str = encodable(text)
    inside = PLAIN_ID.fullmatch(name) and ".." not in name.split("/")
    return name if inside else quote(name, safe="")


def _finish(log: _Log, run: StoredRun, task: str) -> None:
    spec, plan = _spec(log, run, task), _plan(log)
    log.zip.writestr("_journal/start.json", _dumped({"version": LOG_VERSION, "eval": spec, "plan": plan}))
    log.summaries.seek(0)
    with log.zip.open("summaries.json", "w") as file:
        file.write(b"[")
        while block := log.summaries.read(1 << 20):
            file.write(block)
        file.write(b"]")
    rows = [row for row in run.estimates if row.task == task]
    header = {
        "version": LOG_VERSION,
        "status": "success",
        "eval": spec,
        "plan": plan,
        "results": {
            "total_samples": log.samples,
            "completed_samples": log.samples - log.failed,
            "scores": [_score(scorer, rows) for scorer in dict.fromkeys(row.scorer for row in rows)],
        },
        "stats": {
            "started_at": _time(run.manifest.started_at),
            "completed_at": run.date.isoformat(),
            "model_usage": {model_id(run): log.usage} if log.usage else {},
        },
    }
    log.zip.writestr("header.json", _dumped(header))


def _spec(log: _Log, run: StoredRun, task: str) -> dict[str, Any]:
    manifest = run.manifest
    facts = manifest.tasks[task]
    data = facts["page"]["data"]
    path = str(data["path"])
    repeats = manifest.identity.tasks[task].repeats
    return {
        "eval_id": f"{manifest.run_id}-{task}",
        "run_id": manifest.run_id,
        "task_id": f"{manifest.run_id}-{task}",
        "created": _time(manifest.started_at),
        "task": task,
        "task_version": facts["version"],
        "dataset": {
            "name": path if is_hub_id(path) else task,
            "location": presentable(path),
            "samples": facts["total"],
            "sample_ids": list(log.ids),
        },
        "model": model_id(run),
        "model_generate_config": _config(log.sampling),
        "model_args": {k: v for k in ("revision", "dtype", "device") if (v := manifest.engine.get(k)) is not None},
        "config": {"limit": manifest.config.get("limit"), "epochs": repeats},
        "packages": dict(manifest.packages),
        "metadata": {
            "harness_run_id": manifest.run_id,
            "suite": manifest.suite_name,
            "engine": manifest.identity.engine.name,
            "shots": facts["shots"],
            "prompt_style": facts["style"],
            "metric": manifest.metric(task),
            "data_sha256": facts.get("data"),
            "data_revision": facts.get("commit") or facts.get("revision"),
            "model_digests": dict(manifest.digests),
            "sandbox": manifest.sandbox,
            "seed": manifest.config.get("seed"),
            "command": presentable_words(manifest.command),
        },
    }


def _config(sampling: Sampling | None) -> dict[str, Any]:
    if sampling is None:
        return {}
    config: dict[str, Any] = {key: getattr(sampling, key) for key in ("max_tokens", "temperature", "top_p", "seed")}
    # 0 is off here, and no value of Inspect's
    config |= {"top_k": sampling.top_k} if sampling.top_k else {}
    return config | ({"stop_seqs": list(sampling.stop)} if sampling.stop else {})


def _plan(log: _Log) -> dict[str, Any]:
    return {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": _config(log.sampling)}


def _score(scorer: str, rows: Sequence[Estimate]) -> dict[str, Any]:
    """A scorer with its metrics; the standard error of the first is `stderr`, as Inspect has it, and so its bounds."""
    own = [row for row in rows if row.scorer == scorer]
    metrics: dict[str, dict[str, Any]] = {}
    for place, row in enumerate(own):
        figures = {"": row.value, "stderr": row.stderr, "low": row.low, "high": row.high}
        for part, value in figures.items():
            name = (f"{row.metric}_{part}" if place or part != "stderr" else part) if part else row.metric
            if value is not None:
                details = {} if part else {"interval": row.method, "confidence": 0.95, "score": score_name(row)}
                metrics[name] = {"name": name, "value": value, "metadata": {"n": row.n} | details}
    shares = ("truncated", "unextracted", "completed", "unread", "filtered", "window", "repeats")
    known = {key: value for key in shares if (value := getattr(own[0], key)) is not None}
    return {
        "name": scorer,
        "scorer": scorer,
        "scored_samples": own[0].n,
        "unscored_samples": own[0].unscored,
        "metrics": metrics,
        "metadata": known,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _dumped(value: Any) -> str:
    return json.dumps(encodable(value))


def build() -> Export:
    """Make the export."""
    return InspectExport()
