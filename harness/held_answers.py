"""What a run is on an engine that holds answers, instead of a model: as many repeats and samples as it has answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.catalog import Task
from harness.config.perturbing import set_for
from harness.config.schema import RunConfig
from harness.engines.base import HoldsAnswers
from harness.errors import ConfigError


def with_repeats(config: RunConfig, tasks: Sequence[Task], engine: HoldsAnswers) -> RunConfig:
    """Return the config with the number of repeats that the engine's answers have, where the user set none.

    It becomes part of the config, so that `rescore` makes the same requests.
    """
    overrides = dict(config.tasks)
    entries = {entry.label: entry for entry in config.suite.tasks}
    for task in tasks:
        entry = entries[task.name]
        overriding = [entry.set, *(settings for _, settings in set_for(config, entry))]
        if task.page.ask != "generate" or any("repeats" in settings for settings in overriding):
            continue
        most = max((engine.held(task.name, sample.id) for sample in task.samples), default=0)
        if most > task.page.repeats:
            overrides[task.name] = {**overrides.get(task.name, {}), "repeats": most}
    return config if overrides == config.tasks else config.model_copy(update={"tasks": overrides})


def answered_only(tasks: Sequence[Task], engine: HoldsAnswers) -> tuple[Task, ...]:
    """Leave out the samples that the engine does not answer. Raises ConfigError where it answers none of a task."""
    kept = []
    for task in tasks:
        samples = tuple(sample for sample in task.samples if engine.held(task.name, sample.id))
        if not samples:
            raise ConfigError(f"the file of completions answers no sample of the task {task.name!r}; leave it out")
        known = {sample.id for sample in samples}
        requests = tuple(request for request in task.requests if request.sample_id in known)
        kept.append(replace(task, samples=samples, requests=requests))
    return tuple(kept)
