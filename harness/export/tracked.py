"""What a tracker gets of a run: parameters (model and protocol), metrics, and where its samples are."""

from __future__ import annotations

import json
from typing import Any

from harness.export.base import StoredRun
from harness.export.facts import encodable, model_id, score_name
from harness.privacy import presentable_command

PROJECT = "harness"
# Of each score: the value under its own name, the others behind it
FIGURES = ("low", "high", "stderr", "n", "unscored", "truncated", "unextracted", "mean_tokens", "tokens_per_second")


def parameters(run: StoredRun) -> dict[str, str | int | float | bool]:
    """Return model, engine and protocol, flat; unknown values are left out."""
    manifest = run.manifest
    engine = manifest.engine
    found: dict[str, Any] = {
        "model": model_id(run),
        "model_revision": engine.get("revision"),
        "weights_sha256": manifest.digests.get("weights"),
        "suite": manifest.suite_name,
        "engine": manifest.identity.engine.name,
        "dtype": engine.get("dtype"),
        "device": engine.get("device"),
        "seed": manifest.config.get("seed"),
        "limit": manifest.config.get("limit"),
        "sandbox": manifest.sandbox,
        "harness_version": manifest.packages.get("harness"),
        "run_id": manifest.run_id,
        "command": presentable_command(manifest.command),
    }
    for task, facts in manifest.tasks.items():
        sampling = facts["page"].get("sampling", {})
        own = {"version": facts["version"], "shots": facts["shots"], "style": facts["style"], **sampling}
        own |= {"metric": manifest.metric(task), "data_sha256": facts.get("data")}
        found |= {f"{task}/{key}": value for key, value in own.items()}
    kept = {key: value for key, value in found.items() if value is not None}
    plain = (str, int, float, bool)
    return {key: encodable(value) if isinstance(value, plain) else json.dumps(value) for key, value in kept.items()}


def metrics(run: StoredRun) -> dict[str, float]:
    """Return `task/scorer/metric` -> value, and its figures behind it (`.../low`); the suite's as `overall`."""
    named = [(f"{row.task}/{score_name(row)}", row) for row in run.estimates]
    if run.overall is not None:
        named.append(("overall", run.overall))
    found: dict[str, float] = {}
    for name, row in named:
        figures = {name: row.value, **{f"{name}/{key}": getattr(row, key) for key in FIGURES}}
        found |= {key: float(value) for key, value in figures.items() if value is not None}
    return found


def title(run: StoredRun) -> str:
    """Name a run in a list of runs."""
    return str(encodable(f"{run.manifest.model_name} on {run.manifest.suite_name}"))
