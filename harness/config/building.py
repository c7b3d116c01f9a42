"""From names, options and dotted settings to one checked RunConfig. The command line and the Python API share it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from harness.config import pages
from harness.config.checking import check_values
from harness.config.key_names import full_names
from harness.config.options import run_options
from harness.config.perturbing import with_perturbed
from harness.config.schema import ModelPage, RunConfig, SuitePage, SuiteTask
from harness.config.sweeps import swept
from harness.config.task_page import TaskPage
from harness.config.yaml_page import KeyPath, read
from harness.errors import ConfigError, UnknownName, error_prefix

DEFAULT_MODEL = "demo-larger"
DEFAULT_SUITE = "demo"


def config_keys(options: Mapping[str, object], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config keys, with their values, of the `RunOptions` that are set (None: not set), and of `settings`.

    The environment variable HARNESS_MIRROR sets the option `mirror` where nothing else does. Raises UnknownName for an
    unknown option, ConfigError for a key that is set twice.
    """
    known = run_options()
    for name in options:
        if name not in known:
            raise UnknownName("option", name, known)
    keys = {name: option.key for name, (_, option) in known.items()}
    given = {name: value for name, value in options.items() if value is not None}
    if mirror := os.environ.get("HARNESS_MIRROR"):
        given.setdefault("mirror", mirror)
        if str(given["mirror"]) == mirror and any(overlap(keys["mirror"], dotted) for dotted in settings):
            del given["mirror"]
    for dotted in settings:
        for name, value in given.items():
            if overlap(keys[name], dotted):
                raise ConfigError(
                    f"{keys[name]} is set twice: by {name} ({value!r}) and by the setting {dotted} "
                    f"({settings[dotted]!r}); keep one"
                )
        for other in settings:
            if other != dotted and other.startswith(f"{dotted}."):
                raise ConfigError(f"{other} is set twice: by itself and by the setting {dotted}; keep one")
    return {keys[name]: _as_text(value) for name, value in given.items()} | dict(settings)


def overlap(first: str, second: str) -> bool:
    """Whether one of two dotted keys is the other or a part of it, so that setting one replaces the other's value."""
    return first == second or first.startswith(f"{second}.") or second.startswith(f"{first}.")


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, os.PathLike) else value


def run_config(
    model: str | ModelPage | None,
    suite: str | None,
    tasks: Sequence[str] | None,
    settings: Mapping[str, Any],
    origin: str,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    flags: Mapping[str, str] | None = None,
) -> RunConfig:
    """Build the config of a run; `model` is a name, or the page of a model that is in memory.

    `settings` maps config keys (`engine.batch_size`, `tasks.gsm8k.repeats`) to values; `sweep` maps axes to values (see
    `sweeps`). None means the default; an empty name is refused. `flags` are the words with which a command set a key
    (`flags_of`), or the line of a run file, which may also have set `model`, `suite`, `tasks` and `sweep`: messages
    about it begin with them, all others with `origin`. Raises ConfigError, UnknownName.
    """
    named = None if isinstance(model, ModelPage) else model
    names = {"model": [named], "suite": [suite], "out": [settings.get("out")], "tasks": tasks}
    for option, values in names.items():
        if values is not None and (not values or "" in values):
            raise ConfigError(f"{origin}: {option} is empty; leave it out for the default")
        if not all(value is None or isinstance(value, str) for value in values or ()):
            raise ConfigError(f"{origin}: {option}: expected a name or a path (found {values!r})")
    named, settings = _one_model(model.path if isinstance(model, ModelPage) else model, settings, origin)
    for dotted in settings:
        if dotted in ("suite", "suite.tasks"):
            raise ConfigError(f"{origin}: {dotted} cannot be set: name a suite, or the tasks")
        if f"{dotted}.".startswith("model.engine."):
            raise ConfigError(f"{origin}: {dotted} cannot be set: leave out `model.`, as in engine.url=URL")
    words = flags or {}
    with _set_in(words, "model"):
        page = model if isinstance(model, ModelPage) else _model(named, settings, origin)
    axes = f"{words['sweep']}: sweep: " if "sweep" in words else "sweep: " if flags is None else "--sweep "
    with _set_in(words, "suite", "tasks"):
        chosen = _suite(suite, tasks, sweep or {}, axes)
    data: dict[str, Any] = {
        "model": page.model_dump(exclude={"engine"}),
        "suite": chosen.model_dump(),
    }
    if defaults := _engine_defaults(page, settings):
        data["engine"] = defaults
    for dotted, value in settings.items():
        data = _with_setting(data, dotted, value, words.get(dotted, dotted))
    data = with_absolute_mirror(data)
    data["model"] = _variant(data["model"], settings)
    section = data["model"]
    if isinstance(section, dict) and isinstance(price := section.get("price"), str) and pages.is_file_name(price):
        data["model"] = {**section, "price": str(Path(price).expanduser().resolve())}
    of_tasks = [f"tasks.TASK.{name}" for name in full_names(TaskPage)]
    config = check_values(RunConfig, data, lambda key: _flag(words, key) or origin, of_tasks)
    config = config.model_copy(update={"suite": with_perturbed(config.suite, config.perturb)})
    return config.with_words({key: said for key, said in words.items() if key.startswith("tasks.")})


def with_absolute_mirror(data: dict[str, Any]) -> dict[str, Any]:
    """Values of a config with the absolute path of the mirror, as for pages: a run may be rescored from elsewhere."""
    section = data.get("data")
    if not isinstance(section, dict) or not isinstance(mirror := section.get("mirror"), str):
        return data
    return {**data, "data": {**section, "mirror": str(Path(mirror).expanduser().resolve())}}


def _variant(section: Any, settings: Mapping[str, Any]) -> Any:
    """The model as the command changes it: with the adapter's absolute path, and a name of its own."""
    if not isinstance(section, dict):
        return section
    adapter, quantize = (settings.get(f"model.{key}") for key in ("adapter", "quantize"))
    adapter, quantize = (value if isinstance(value, str) and value else None for value in (adapter, quantize))
    if adapter is not None and Path(adapter).expanduser().is_dir():
        # A run may be rescored from another folder
        section = {**section, "adapter": str(Path(adapter).expanduser().resolve())}
    name = section.get("name")
    if "model.name" in settings or not isinstance(name, str):
        return section
    return {**section, "name": pages.variant_name(name, adapter, quantize)}


@contextmanager
def _set_in(words: Mapping[str, str], *names: str) -> Iterator[None]:
    """Put the line of the run file that names the model or the suite in front of a message about it."""
    said = next((words[name] for name in names if name in words), None)
    with nullcontext() if said is None else error_prefix(f"{said}: "):
        yield


def flags_of(options: Mapping[str, object], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of the command line that set a config key, for messages about it: `--limit`, `--set limit`."""
    known = run_options()
    given = [name for name, value in options.items() if value is not None]
    words = {known[name][1].key: f"--{name.replace('_', '-')}" for name in given}
    return words | {dotted: f"--set {dotted}" for dotted in settings}


def _flag(flags: Mapping[str, str], key: KeyPath) -> str | None:
    """The words that set a key, a section that it is in, or a part of it; None where none did."""
    dotted = ".".join(map(str, key))
    return next((words for name, words in flags.items() if overlap(name, dotted)), None)


def _one_model(model: str | None, settings: Mapping[str, Any], origin: str) -> tuple[str | None, Mapping[str, Any]]:
    """Return the model, and the settings without `model.path`, which names the model where no model is given."""
    for dotted in ("model", "model.path"):
        if dotted in settings and model is not None:
            raise ConfigError(
                f"{origin}: the model is named twice: by model ({model!r}) and by the setting {dotted} "
                f"({settings[dotted]!r}); keep one"
            )
    if isinstance(path := settings.get("model.path"), str):
        return path, {dotted: value for dotted, value in settings.items() if dotted != "model.path"}
    return model, settings


def _engine_defaults(page: ModelPage, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The `engine` of a model page; nothing where the command names another engine, which has other options."""
    if page.engine is None or _set_engine_key(settings, "name") not in (None, page.engine.name):
        return {}
    defaults = page.engine.model_dump(exclude_none=True)
    if _set_engine_key(settings, "url") is not None:
        # The page's key is for the page's server
        defaults.pop("key_env", None)
    return defaults


def _set_engine_key(settings: Mapping[str, Any], key: str) -> Any:
    """The value of a key of `engine`, set by itself or with the whole section; None where it is not set."""
    section = settings.get("engine")
    return settings.get(f"engine.{key}", section.get(key) if isinstance(section, Mapping) else None)


def _served_model(model: str | None, origin: str) -> ModelPage:
    """The model behind a server that the command names: a page with an `engine`, else the name that the server knows.

    Raises ConfigError without a name: a server may have several models, and the name is a part of every record.
    """
    if model is None:
        raise ConfigError(
            f"{origin}: a server is given (engine.url), but not which of its models: add --model NAME, as the "
            "server's /models lists it"
        )
    if model.endswith((".yaml", ".yml")):
        return pages.model_page(model)
    known = pages.spelt(model, pages.index("configs/models"), "model") is not None
    page = pages.model_page(model) if known else None
    return page if page is not None and page.engine is not None else ModelPage(name=pages.label(model), path=model)


def _model(model: str | None, settings: Mapping[str, Any], origin: str) -> ModelPage:
    if _set_engine_key(settings, "url") is not None:
        return _served_model(model, origin)
    completions = settings.get("engine.completions")
    if model is None and completions:
        # The file "gpt-4.1.jsonl.gz" names the model "gpt-4.1"
        name = re.sub(r"(?:\.(?:jsonl?|ndjson|gz))+\Z", "", Path(str(completions)).name, flags=re.IGNORECASE)
        return ModelPage(name=pages.label(name), path=str(completions))
    if completions and model is not None and re.fullmatch(r"[\w.-]+", model) and not pages.is_file_name(model):
        # Whose answers these are: any name, also one that is close to that of a page
        named = pages.spelt(model, pages.index("configs/models"), "model") is not None
        known = named or Path(model).expanduser().is_dir()
        return pages.model_page(model) if known else ModelPage(name=pages.label(model), path=model)
    return pages.model_page(DEFAULT_MODEL if model is None else model)


def _suite(
    suite: str | None, tasks: Sequence[str] | None, sweep: Mapping[str, Sequence[Any]], origin: str
) -> SuitePage:
    if suite and tasks:
        raise ConfigError("give a suite or tasks, not both")
    if not tasks:
        name = DEFAULT_SUITE if suite is None else suite
        page = pages.suite_page(name)
        if page.sweep and not sweep:
            path = pages.find("configs/suites", "suite", name)
            return swept(page, page.sweep, path.parent, f"{read(path).where(('sweep',))}sweep: ")
    else:
        tasks = pages.matching_tasks(tasks)
        stem = "-".join(Path(name).stem for name in tasks)
        # Absolute paths: a run may be rescored from another folder
        names = [str(Path(name).expanduser().resolve()) if pages.is_file_name(name) else name for name in tasks]
        page = SuitePage(name=pages.label(stem.lower())[:60], tasks=[SuiteTask(task=name) for name in names])
    return swept(page, sweep, Path.cwd(), origin) if sweep else page


def _with_setting(data: dict[str, Any], dotted: str, value: Any, words: str) -> dict[str, Any]:
    if not dotted.startswith("tasks."):
        return pages.with_value(data, dotted.split("."), value, words)
    # A task's keys stay dotted: they are checked when they are applied to its page
    _, name, *keys = dotted.split(".")
    if not keys:
        raise ConfigError(f"--set {dotted}: name a key of the task, as in tasks.{name}.repeats")
    overrides = data.get("tasks", {})
    return {**data, "tasks": {**overrides, name: {**overrides.get(name, {}), ".".join(keys): value}}}
