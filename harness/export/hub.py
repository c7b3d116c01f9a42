"""`.eval_results/TASK.yaml` for a model repository on the hub, through huggingface_hub's own types.

The hub shows such results on the model's page, and on the leaderboard of the benchmark that the data set's repository
names (docs: huggingface.co/docs/hub/eval-results). `task_id` is this project's task name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.export.base import Export, StoredRun
from harness.export.facts import is_hub_id
from harness.results import Estimate

FOLDER = ".eval_results"


class HubExport:
    """Writes one file for each task whose data is on the hub."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the files; none for tasks of local data."""
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
        from ruamel.yaml import YAML

        yaml = YAML()
        written = []
        for row in run.primary:
            facts = run.manifest.tasks[row.task]
            path = str(facts["page"]["data"]["path"])
            if row.value is None or not is_hub_id(path):
                continue
            entry = EvalResultEntry(
                dataset_id=path,
                task_id=row.task,
                value=row.value,
                dataset_revision=facts.get("commit") or facts.get("revision"),
                date=run.date.strftime("%Y-%m-%dT%H:%M:%SZ"),
                notes=_notes(row, facts),
            )
            file = out / FOLDER / f"{row.task}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            yaml.dump(eval_result_entries_to_yaml([entry]), file)
            written.append(file)
        return written


def _notes(row: Estimate, facts: Mapping[str, Any]) -> str:
    """The protocol in one line: what another number must agree in to be comparable."""
    interval = "" if row.low is None else f", 95 % interval [{row.low:.4f}, {row.high:.4f}] ({row.method})"
    of = f"{row.n} of {facts['total']}" if facts.get("total") not in (None, row.n) else str(row.n)
    return f"{row.scorer}/{row.metric}, {facts['shots']} shots, {facts['style']} prompt, n {of}{interval}"


def build() -> Export:
    """Make the export."""
    return HubExport()
