"""From what a user says (names, and dotted settings) to one checked RunConfig. The CLI and the Python API share it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config import pages
from harness.config.checking import check_values
from harness.config.schema import ModelPage, RunConfig, SuitePage, SuiteTask
from harness.config.sweeps import swept
from harness.config.yaml_page import shown
from harness.errors import ConfigError

DEFAULT_MODEL = "demo-larger"
DEFAULT_SUITE = "demo"
# The words of the command line and of the Python API, and the config keys behind them
WORDS = {
    "limit": "limit",
    "out": "out",
    "seed": "seed",
    "engine": "engine.name",
    "completions": "engine.completions",
    "completion_column": "engine.completion_column",
    "verdict_column": "engine.verdict_column",
    "only_answered": "engine.only_answered",
    "batch_size": "engine.batch_size",
    "max_memory": "engine.max_memory",
    "revision": "model.revision",
    "device": "model.device",
    "dtype": "model.dtype",
    "style": "model.style",
    "trust_remote_code": "model.trust_remote_code",
    "mirror": "data.mirror",
    "trust_page_code": "data.trust_page_code",
    "sandbox": "execution.sandbox",
}


def spelled_out(words: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Config keys of the words that were given (None: not given), and of `settings`.

    The mirror may also be given by the environment (HARNESS_MIRROR), which anything else beats. Raises ConfigError
    for a key that is set twice.
    """
    given = {word: value for word, value in words.items() if value is not None}
    if mirror := os.environ.get("HARNESS_MIRROR"):
        given.setdefault("mirror", mirror)
        if str(given["mirror"]) == mirror and any(_overlap(WORDS["mirror"], dotted) for dotted in settings):
            del given["mirror"]
    for dotted in settings:
        for word, value in given.items():
            if _overlap(WORDS[word], dotted):
                raise ConfigError(
                    f"{WORDS[word]} is set twice: by {word} ({value!r}) and by the setting {dotted} "
                    f"({settings[dotted]!r}); keep one"
                )
        for other in settings:
            if other != dotted and other.startswith(f"{dotted}."):
                raise ConfigError(f"{other} is set twice: by itself and by the setting {dotted}; keep one")
    return {WORDS[word]: _as_text(value) for word, value in given.items()} | dict(settings)


def _overlap(one: str, other: str) -> bool:
    """Whether a value of one key replaces the other's, or a part of it."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, os.PathLike) else value


def run_config(
    model: str | None,
    suite: str | None,
    tasks: Sequence[str] | None,
    settings: Mapping[str, Any],
    origin: str,
    sweep: Mapping[str, Sequence[Any]] | None = None,
) -> RunConfig:
    """Build the config of a run.

    `settings` maps config keys (`engine.batch_size`, `tasks.gsm8k.repeats`) to values; `origin` leads messages about
    them; `sweep` maps axes to values (see `sweeps`). None means the default; what is empty is refused. Raises
    ConfigError, UnknownName.
    """
    named = {"model": [model], "suite": [suite], "out": [settings.get("out")], "tasks": tasks}
    for word, values in named.items():
        if values is not None and (not values or "" in values):
            raise ConfigError(f"{origin}: {word} is empty; leave it out for the default")
        if not all(value is None or isinstance(value, str) for value in values or ()):
            raise ConfigError(f"{origin}: {word}: expected a name or a path (found {values!r})")
    model, settings = _one_model(model, settings, origin)
    for dotted in settings:
        if dotted in ("suite", "suite.tasks"):
            raise ConfigError(f"{origin}: {dotted} cannot be set: name a suite, or the tasks")
    data: dict[str, Any] = {
        "model": _model(model, settings).model_dump(),
        "suite": _suite(suite, tasks, sweep or {}).model_dump(),
    }
    for dotted, value in settings.items():
        data = _with_setting(data, dotted, value)
    if isinstance(mirror := data.get("data", {}).get("mirror"), str):
        # By its full path, like pages: a run may be scored again from another folder
        data["data"]["mirror"] = str(Path(mirror).expanduser().resolve())
    return check_values(RunConfig, data, origin)


def _one_model(model: str | None, settings: Mapping[str, Any], origin: str) -> tuple[str | None, Mapping[str, Any]]:
    """The model and the settings without its path: a path that is set instead of a model names the model."""
    for dotted in ("model", "model.path"):
        if dotted in settings and model is not None:
            raise ConfigError(
                f"{origin}: the model is named twice: by model ({model!r}) and by the setting {dotted} "
                f"({settings[dotted]!r}); keep one"
            )
    if isinstance(path := settings.get("model.path"), str):
        return path, {dotted: value for dotted, value in settings.items() if dotted != "model.path"}
    return model, settings


def _model(model: str | None, settings: Mapping[str, Any]) -> ModelPage:
    completions = settings.get("engine.completions")
    if model is None and completions:
        # "gpt-4.1.jsonl.gz" is of gpt-4.1
        name = re.sub(r"(?:\.(?:jsonl?|ndjson|gz))+\Z", "", Path(str(completions)).name, flags=re.IGNORECASE)
        return ModelPage(name=pages.label(name), path=str(completions))
    return pages.model_page(DEFAULT_MODEL if model is None else model)


def _suite(suite: str | None, tasks: Sequence[str] | None, sweep: Mapping[str, Sequence[Any]]) -> SuitePage:
    if suite and tasks:
        raise ConfigError("a suite and tasks exclude each other; give one")
    if not tasks:
        name = DEFAULT_SUITE if suite is None else suite
        page = pages.suite_page(name)
        if page.sweep and not sweep:
            path = pages.find("configs/suites", "suite", name)
            return swept(page, page.sweep, f"{shown(path)}: sweep: ", path.parent)
    else:
        tasks = pages.matching_tasks(tasks)
        stem = "-".join(Path(name).stem for name in tasks)
        # Files by their full path: a run may be scored again from another folder
        names = [str(Path(name).expanduser().resolve()) if pages.is_file_name(name) else name for name in tasks]
        page = SuitePage(name=pages.label(stem)[:60], tasks=[SuiteTask(task=name) for name in names])
    return swept(page, sweep, "sweep: ", Path.cwd()) if sweep else page


def _with_setting(data: dict[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    if not dotted.startswith("tasks."):
        return pages.with_value(data, dotted.split("."), value, dotted)
    # A task's keys stay dotted: they are applied to its page, which knows its own schema
    _, name, *keys = dotted.split(".")
    if not keys:
        raise ConfigError(f"--set {dotted}: name a key of the task, as in tasks.{name}.repeats")
    overrides = data.get("tasks", {})
    return {**data, "tasks": {**overrides, name: {**overrides.get(name, {}), ".".join(keys): value}}}
