"""`.eval_results/TASK.yaml` for a model repository on the hub, through huggingface_hub's own types.

The hub shows such results on the model's page, and on the leaderboard of the benchmark that the data set's repository
names (docs: huggingface.co/docs/hub/eval-results). `task_id` is this project's task name; a benchmark's `eval.yaml` may
have another one, which `harness push` looks up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from harness.analysis.cautions import MOST_LOST, MOST_UNREAD
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable, is_hub_id
from harness.results import Estimate

FOLDER = ".eval_results"


@dataclass(frozen=True, slots=True)
class HubResult:
    """The primary score of a task: `dataset`, `config` and `split` say on which data of the hub."""

    task: str
    task_id: str
    dataset: str
    config: str | None
    split: str
    revision: str | None
    value: float
    date: str
    notes: str


class HubExport:
    """Writes one file for each task whose data is on the hub."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the files; none for tasks of local data or changed questions."""
        written = []
        for result in hub_results(run):
            file = out / FOLDER / f"{result.task}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(yaml_text(result), encoding="utf-8")
            written.append(file)
        return written


def hub_results(run: StoredRun) -> tuple[HubResult, ...]:
    """Return the results that the hub can show, in the order of the tasks.

    Tasks of changed questions are none: the hub would show their scores as the benchmark's own.
    """
    found = []
    for row in run.primary:
        facts = run.manifest.tasks[row.task]
        data = facts["page"]["data"]
        path = str(data["path"])
        changed = (data.get("perturbed") or {}).get("rows") == "variants"
        if row.value is not None and is_hub_id(path) and not changed:
            revision = facts.get("commit") or facts.get("revision")
            date = run.date.strftime("%Y-%m-%dT%H:%M:%SZ")
            place = (row.task, row.task, path, data.get("name"), str(data["split"]), revision)
            found.append(HubResult(*place, row.value, date, _notes(row, facts)))
    return tuple(found)


def doubts(run: StoredRun) -> list[str]:
    """Return why a score of the run should not be published unseen: a part of the data, answers cut off or not read."""
    found = []
    for row in run.primary:
        shares = {"cut off": row.truncated, "without an extracted answer": row.unextracted}
        found += [
            f"{row.task}: {100 * share:.1f} % of the answers were {what}"
            for what, share in shares.items()
            if share is not None and share > MOST_LOST
        ]
        if row.unread is not None and row.unread > MOST_UNREAD:
            found.append(f"{row.task}: {100 * row.unread:.1f} % of the answers hold the right one, which was not read")
        if row.n < run.manifest.total(row.task):
            found.append(f"{row.task}: {row.n} of {run.manifest.total(row.task)} samples")
    return found


def yaml_text(result: HubResult, source: str | None = None) -> str:
    """Return the file of one result. `source`: an address with the run's tables."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    from ruamel.yaml import YAML

    entry = EvalResultEntry(
        dataset_id=result.dataset,
        task_id=result.task_id,
        value=result.value,
        dataset_revision=result.revision,
        date=result.date,
        source_url=source,
        source_name="harness run" if source else None,
        notes=result.notes,
    )
    text = StringIO()
    YAML().dump(encodable(eval_result_entries_to_yaml([entry])), text)
    return text.getvalue()


def _notes(row: Estimate, facts: Mapping[str, Any]) -> str:
    """The protocol in one line: what another number must agree in to be comparable."""
    interval = "" if row.low is None else f", 95 % interval [{row.low:.4f}, {row.high:.4f}] ({row.method})"
    of = f"{row.n} of {facts['total']}" if facts.get("total") not in (None, row.n) else str(row.n)
    return f"{row.scorer}/{row.metric}, {facts['shots']} shots, {facts['style']} prompt, n {of}{interval}"


def build() -> Export:
    """Make the export."""
    return HubExport()
