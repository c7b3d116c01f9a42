"""A suite whose tasks are run twice: with the questions as they are, and with changed ones.

Guarantees: the second task of NAME is NAME-KIND; what is set for a task is set for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.config.schema import PerturbConfig, RunConfig, SuitePage, SuiteTask
from harness.errors import ConfigError

KEY = "data.perturbed"


def with_perturbed(suite: SuitePage, wanted: PerturbConfig) -> SuitePage:
    """Return the suite with a task of changed questions behind each task. Raises ConfigError."""
    if wanted.by is None:
        if idle := sorted(wanted.model_fields_set - {"by"}):
            raise ConfigError(f"perturb.{idle[0]} has no effect without --perturb: add it, or leave both out")
        return suite
    if suite.languages is not None:
        raise ConfigError(f"--perturb: the suite {suite.name!r} counts languages, and changed questions are none")
    file = str(Path(wanted.file).expanduser().resolve()) if wanted.file else None
    entries: list[SuiteTask] = []
    for entry in suite.tasks:
        if KEY in entry.set:
            raise ConfigError(f"--perturb: {entry.label} sets {KEY} already; leave one of them out")
        spec = {"by": wanted.by, "draws": wanted.draws, "seed": wanted.seed, **({"file": file} if file else {})}
        changed = {**spec, "rows": "variants", "of": entry.label}
        entries += [
            entry.model_copy(update={"set": entry.set | {KEY: {**spec, "rows": "originals"}}}),
            entry.model_copy(
                update={"name": f"{entry.label}-{wanted.by}", "set": entry.set | {KEY: changed}, "protocol": {}}
            ),
        ]
    labels = [entry.label for entry in entries]
    if twice := sorted(label for label in set(labels) if labels.count(label) > 1):
        raise ConfigError(f"--perturb: two tasks would be called {twice[0]!r}")
    return suite.model_copy(update={"tasks": entries})


def original_of(entry: SuiteTask) -> str | None:
    """The label of the task whose questions an entry has changed; None for an entry with its own."""
    spec = entry.set.get(KEY)
    return str(spec["of"]) if isinstance(spec, dict) and spec.get("of") else None


def set_for(config: RunConfig, entry: SuiteTask) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """What `--set tasks.NAME.KEY` sets for an entry, by the NAME that it is set for; the last one counts."""
    labels = {each.label for each in config.suite.tasks}
    # `--set tasks.PAGE` changes every use of the page, unless one of them has that name
    page = None if entry.page in labels else entry.page
    # What is set for a task is set for its changed questions too
    names = (page, original_of(entry), entry.label)
    return tuple((name, config.tasks[name]) for name in names if name in config.tasks)
