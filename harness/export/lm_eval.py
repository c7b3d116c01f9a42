"""results_*.json and samples_*.jsonl in the layout of lm-evaluation-harness, which most viewers and converters read.

Keys are those of its `result_schema.py` (0.4.13): `metric,filter` is our score's scorer and name. A sample's `doc` has
what a record keeps of it; the right answer is not in a run's records, so `target` is empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from harness.analysis.metric import lower_is_better
from harness.datatypes import Completion, Likelihood, LikelihoodRequest, Record
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable, model_id
from harness.privacy import presentable
from harness.report.record_text import prompt_text


class LmEvalExport:
    """Writes the results and a file of samples for each task, under the model's name."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the files."""
        manifest = run.manifest
        folder = out / _plain(model_id(run))
        folder.mkdir(parents=True, exist_ok=True)
        stamp = run.date.strftime("%Y-%m-%dT%H-%M-%S.%f")
        results = folder / f"results_{stamp}.json"
        results.write_text(json.dumps(encodable(_results(run)), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        files: dict[str, TextIO] = {}
        numbers: dict[str, int] = {}
        try:
            for record in run.records():
                task = record.request.task
                if task not in files:
                    files[task] = (folder / f"samples_{_plain(task)}_{stamp}.jsonl").open("w", encoding="utf-8")
                numbers[task] = numbers.get(task, -1) + 1
                files[task].write(json.dumps(encodable(_sample(record, numbers[task], manifest.tasks[task]))) + "\n")
        finally:
            for file in files.values():
                file.close()
        return [results, *(Path(file.name) for file in files.values())]


def _results(run: StoredRun) -> dict[str, Any]:
    manifest = run.manifest
    metrics: dict[str, dict[str, Any]] = {}
    higher: dict[str, dict[str, bool]] = {}
    for row in run.estimates:
        own = metrics.setdefault(row.task, {"name": row.task, "alias": row.task, "sample_len": row.n})
        metric, kept = _metric(row.scorer, row.metric, manifest.tasks[row.task])
        own[f"{metric},{kept}"] = row.value
        own[f"{metric}_stderr,{kept}"] = "N/A" if row.stderr is None else row.stderr
        higher.setdefault(row.task, {})[metric] = not lower_is_better(row)
    tasks = manifest.tasks
    config = manifest.config
    return {
        "results": metrics,
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: {"task": task, **_config(facts)} for task, facts in tasks.items()},
        "versions": {task: facts["version"] for task, facts in tasks.items()},
        "n-shot": {task: facts["shots"] for task, facts in tasks.items()},
        "higher_is_better": higher,
        "n-samples": {task: {"original": facts["total"], "effective": facts["n"]} for task, facts in tasks.items()},
        "config": {
            "model": manifest.identity.engine.name,
            "model_args": {"pretrained": presentable(manifest.model_path)},
            "model_revision": manifest.engine.get("revision"),
            "model_dtype": manifest.engine.get("dtype"),
            "model_num_parameters": manifest.engine.get("parameters"),
            "limit": config.get("limit"),
            "random_seed": config.get("seed"),
        },
        "date": manifest.started_at,
        "model_source": manifest.identity.engine.name,
        "model_name": model_id(run),
        "model_name_sanitized": _plain(model_id(run)),
        "start_time": manifest.started_at,
        "end_time": manifest.finished_at,
        "total_evaluation_time_seconds": str((manifest.finished_at or manifest.started_at) - manifest.started_at),
        "transformers_version": manifest.packages.get("transformers"),
        "harness_run_id": manifest.run_id,
    }


def _config(facts: Mapping[str, Any]) -> dict[str, Any]:
    page = facts["page"]
    return {
        "dataset_path": presentable(str(page["data"]["path"])),
        "dataset_name": page["data"].get("name"),
        "test_split": page["data"]["split"],
        "num_fewshot": facts["shots"],
        "output_type": {"loglikelihood": "multiple_choice", "rolling_loglikelihood": "loglikelihood_rolling"}.get(
            page.get("ask", "generate"), "generate_until"
        ),
        "repeats": page.get("repeats", 1),
        "metadata": {"version": facts["version"]},
    }


def _metric(scorer: str, name: str, facts: Mapping[str, Any]) -> tuple[str, str]:
    """The metric's and the filter's name: what scores, and our name of that score where it has one of its own."""
    entries = facts["page"].get("score", ())
    by = next((entry["by"] for entry in entries if entry.get("name", entry["by"]) == scorer), scorer)
    metric = by if name == "mean" else name
    return metric, "none" if by == scorer else scorer


def _sample(record: Record, number: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    request, reply = record.request, record.reply
    prompt = prompt_text(request)
    if isinstance(request, LikelihoodRequest):
        arguments = {f"gen_args_{i}": {"arg_0": prompt, "arg_1": text} for i, text in enumerate(request.continuations)}
        scored = reply.continuations if isinstance(reply, Likelihood) else ()
        answers: list[Any] = [[[str(each.logprob), str(each.greedy)]] for each in scored]
        filtered: list[Any] = [[str(each.logprob), str(each.greedy)] for each in scored]
    else:
        arguments = {"gen_args_0": {"arg_0": prompt, "arg_1": ""}}
        answers = [[reply.text]] if isinstance(reply, Completion) else []
        filtered = [record.scores[0].answer or ""] if record.scores else []
    names: list[str] = []
    sample: dict[str, Any] = {
        "doc_id": number,
        "doc": {"sample_id": request.sample_id, "repeat": request.repeat},
        "target": "",
        "arguments": arguments,
        "resps": answers,
        "filtered_resps": filtered,
        "filter": "none",
        "metrics": names,
        "doc_hash": _hash(request.sample_id),
        "prompt_hash": _hash(prompt),
        "target_hash": _hash(""),
    }
    for score in record.scores:
        metric, kept = _metric(score.scorer, "mean", facts)
        name = metric if kept == "none" else f"{metric}_{kept}"
        names.append(name)
        sample[name] = score.value
    return sample


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._-" else "__" for sign in name).strip("_") or "model"


def build() -> Export:
    """Make the export."""
    return LmEvalExport()
