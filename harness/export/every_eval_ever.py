"""Every Eval Ever 0.3.0: for each task one JSON of results and one JSONL of samples, in the folders of its datastore.

Schemas: `eval.schema.json` and `instance_level_eval.schema.json` (evaleval/every_eval_ever, MIT). What a run does not
know is left out, or is "unknown" where the schema wants a value: who publishes it, and how they relate to the model.
Exporting a run twice writes the same bytes; `retrieved_timestamp` is the end of the run.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from harness.analysis.metric import lower_is_better
from harness.datatypes import GenerateRequest, Record, Sampling
from harness.export.base import Export, StoredRun
from harness.export.every_eval_ever_samples import instance_rows
from harness.export.facts import binary_scorers, encodable, is_hub_id, model_id, plain_name, score_name
from harness.privacy import presentable_command
from harness.results import Estimate

SCHEMA_VERSION = "0.3.0"
# The developer of a model whose id names none; "unknown" is refused there
DEVELOPER = "anonymous"
CONFIDENCE = 0.95


@dataclass(slots=True)
class _Samples:
    """The file of one task's samples, while it is written."""

    file: TextIO
    hash: Any = field(default_factory=hashlib.sha256)
    rows: int = 0
    sampling: Sampling | None = None


class EveryEvalEverExport:
    """Writes `data/TASK/DEVELOPER/MODEL/UUID.json` and `UUID_samples.jsonl`."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the files of every task that has a score."""
        results: dict[str, list[Estimate]] = {}
        for row in run.estimates:
            if row.value is not None:
                results.setdefault(row.task, []).append(row)
        places = {task: _place(run, task) for task in results}
        samples = _write_samples(run, out, places, results)
        written = []
        for task, rows in results.items():
            document = _document(run, rows, places[task], samples[task])
            path = out / f"{places[task]}.json"
            text = json.dumps(encodable(document), indent=2, allow_nan=False)
            path.write_text(text + "\n", encoding="utf-8")
            written += [path, out / f"{places[task]}_samples.jsonl"][: 2 if samples[task].rows else 1]
        return written


def _place(run: StoredRun, task: str) -> PurePosixPath:
    """Path without its ending. The name is a UUID of version 4 by form, derived from the run."""
    digest = hashlib.sha256(encodable(f"{run.manifest.run_id}/{task}").encode()).digest()
    developer, _, name = model_id(run).rpartition("/")
    folder = PurePosixPath("data", plain_name(task), plain_name(developer or DEVELOPER), plain_name(name))
    return folder / str(uuid.UUID(bytes=digest[:16], version=4))


def evaluation_id(run: StoredRun, task: str) -> str:
    """Name the results of a task: `eval_name/model_id/retrieved_timestamp`, as the schema requests."""
    return f"{task}/{model_id(run)}/{run.date.timestamp()}"


def _write_samples(
    run: StoredRun, out: Path, places: Mapping[str, PurePosixPath], results: Mapping[str, list[Estimate]]
) -> dict[str, _Samples]:
    samples: dict[str, _Samples] = {}
    try:
        for task, place in places.items():
            path = out / f"{place}_samples.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            samples[task] = _Samples(path.open("w", encoding="ascii"))
        for record in run.records():
            task = record.request.task
            if task in samples:
                _add(samples[task], run, record, results[task])
    finally:
        for each in samples.values():
            each.file.close()
    for each in samples.values():
        # The format has no empty files of samples
        if not each.rows:
            Path(each.file.name).unlink()
    return samples


def _add(samples: _Samples, run: StoredRun, record: Record, estimates: list[Estimate]) -> None:
    task = record.request.task
    if samples.sampling is None and isinstance(record.request, GenerateRequest):
        samples.sampling = record.request.sampling
    page = run.manifest.tasks[task]["page"]
    shared = {"schema_version": SCHEMA_VERSION, "evaluation_id": evaluation_id(run, task), "model_id": model_id(run)}
    for row in instance_rows(record, estimates, page, binary_scorers(run, task)):
        # ASCII: readers split lines at U+2028 and its like too
        line = json.dumps(encodable(shared | row), allow_nan=False) + "\n"
        samples.file.write(line)
        samples.hash.update(line.encode())
        samples.rows += 1


def _document(run: StoredRun, rows: list[Estimate], place: PurePosixPath, samples: _Samples) -> dict[str, Any]:
    manifest = run.manifest
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": evaluation_id(run, rows[0].task),
        "evaluation_timestamp": run.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "retrieved_timestamp": str(run.date.timestamp()),
        "source_metadata": {
            "source_name": "harness",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {"harness_run_id": manifest.run_id, "suite": manifest.suite_name},
        },
        "eval_library": {
            "name": "harness",
            "version": manifest.packages.get("harness", "unknown"),
            "additional_details": {key: str(version) for key, version in manifest.packages.items() if key != "harness"},
        },
        "model_info": _model(run),
        "evaluation_results": [_result(run, row, samples) for row in rows],
    }
    if samples.rows:
        document["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{place}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": samples.hash.hexdigest(),
            "total_rows": samples.rows,
        }
    return document


def _model(run: StoredRun) -> dict[str, Any]:
    manifest = run.manifest
    # Only an engine that loads a checkpoint itself knows its files
    local = bool(manifest.digests)
    ours = model_id(run)
    facts = {key: manifest.engine.get(key) for key in ("revision", "dtype", "parameters", "device", "context_window")}
    facts |= {f"{kind}_sha256": digest for kind, digest in manifest.digests.items()}
    model: dict[str, Any] = {
        "name": manifest.model_name,
        "id": ours,
        "developer": ours.partition("/")[0] if "/" in ours else DEVELOPER,
        "additional_details": {
            "deployment_type": "self_deployed" if local else "unknown",
            "model_availability": "open_weights" if local and "/" in ours else "unknown",
            **{key: str(value) for key, value in facts.items() if value is not None},
        },
    }
    if local:
        version = manifest.packages.get("harness")
        model["inference_engine"] = {"name": "harness"} | ({"version": version} if version else {})
    return model


def _result(run: StoredRun, row: Estimate, samples: _Samples) -> dict[str, Any]:
    facts = run.manifest.tasks[row.task]
    assert row.value is not None
    uncertainty: dict[str, Any] = {"num_samples": row.n}
    if row.stderr is not None:
        uncertainty["standard_error"] = {"value": row.stderr, "method": "analytic"}
    if row.low is not None and row.high is not None:
        bounds = {"lower": row.low, "upper": row.high}
        uncertainty["confidence_interval"] = bounds | {"confidence_level": CONFIDENCE, "method": row.method}
    shares = ("truncated", "unextracted", "completed", "unread", "filtered", "window", "cut_prompts", "mean_tokens")
    known = {key: getattr(row, key) for key in ("n", "unscored", "repeats", *shares)}
    return {
        "evaluation_result_id": result_id(row),
        "evaluation_name": row.task,
        "source_data": _source(facts, row.task),
        "evaluation_timestamp": run.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metric_config": _metric(row, binary_scorers(run, row.task)),
        "score_details": {
            "score": row.value,
            "details": {key: str(value) for key, value in known.items() if value is not None},
            "uncertainty": uncertainty,
        },
        "generation_config": _generation(run, facts, samples.sampling),
    }


def result_id(row: Estimate) -> str:
    """Name one score of a task, which the samples refer to."""
    return f"{row.task}/{score_name(row)}"


def _metric(row: Estimate, binary: tuple[str, ...]) -> dict[str, Any]:
    metric: dict[str, Any] = {
        "metric_id": f"harness.{row.scorer}.{row.metric}",
        "metric_name": score_name(row),
        "lower_is_better": lower_is_better(row),
    }
    if row.scorer in binary:
        bounds = {"score_type": "continuous", "min_score": 0.0, "max_score": 1.0}
        metric |= {"metric_kind": "pass_rate", "metric_unit": "proportion"} | bounds
    return metric


def _source(facts: Mapping[str, Any], task: str) -> dict[str, Any]:
    data = facts["page"]["data"]
    path = str(data["path"])
    kept = {
        "task_version": facts["version"],
        "data_sha256": facts.get("data"),
        "revision": facts.get("commit") or facts.get("revision"),
        "subset": data.get("name"),
    }
    details = {key: str(value) for key, value in kept.items() if value is not None}
    if is_hub_id(path):
        place = {"hf_repo": path, "hf_split": str(data["split"]), "samples_number": facts["total"]}
        return {"dataset_name": path, "source_type": "hf_dataset", **place, "additional_details": details}
    details["samples_number"] = str(facts["total"])
    return {"dataset_name": task, "source_type": "other", "additional_details": details}


def _generation(run: StoredRun, facts: Mapping[str, Any], sampling: Sampling | None) -> dict[str, Any]:
    manifest = run.manifest
    arguments: dict[str, Any] = {"execution_command": presentable_command(manifest.command)}
    details = {"shots": facts["shots"], "prompt_style": facts["style"], "run_seed": manifest.config.get("seed")}
    if sampling is not None:
        arguments |= {key: getattr(sampling, key) for key in ("temperature", "top_p", "top_k")}
        arguments["max_tokens"] = sampling.max_tokens
        details |= {"stop": json.dumps(list(sampling.stop)), "max_reasoning_tokens": sampling.max_reasoning_tokens}
    if (prompt := facts["page"].get("prompt")) is not None:
        arguments["prompt_template"] = json.dumps(prompt, ensure_ascii=False)
    if manifest.sandbox and "tests" in facts["page"].get("reference", {}):
        arguments["sandbox"] = {"type": manifest.sandbox}
    kept = {key: str(value) for key, value in details.items() if value is not None}
    return {"generation_args": arguments, "additional_details": kept}


def build() -> Export:
    """Make the export."""
    return EveryEvalEverExport()
