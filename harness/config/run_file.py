"""A run file: the options of `harness run` as YAML, under the same names.

A key is an option without its dashes (`batch_size`, `limit`), a config key as `--set` takes it (`engine.url`,
`tasks.gsm8k.repeats`), or a section with such keys (`engine: {url: ...}`). `tasks` is a list of tasks, or a section
with settings of tasks. Paths are relative to the folder in which the command runs, as on the command line.

The command line wins: it replaces keys of the file, and `merged` says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.building import overlap, run_config
from harness.config.checking import check_key
from harness.config.key_names import section_of, unknown_key
from harness.config.options import run_options
from harness.config.schema import RunConfig
from harness.config.task_page import TaskPage
from harness.config.yaml_page import read
from harness.errors import ConfigError, Faults, suggestion

# Keys that are no config keys
NAMED = ("model", "suite", "tasks", "sweep", "fail_under")
# What lets code of others run, as the option's name and the key
TRUSTED = {"trust_remote_code": "model.trust_remote_code", "trust_page_code": "data.trust_page_code"}
SECTIONS = ("engine", "data", "execution", "budget", "perturb", "model", "tasks")
# The section of a plan file, which says what was planned and sets nothing
PLAN = "plan"


@dataclass(frozen=True, slots=True)
class RunChoices:
    """What a command line, or a run file, chooses; None where it does not.

    `settings` maps config keys to values, `words` a key (also `model`, `suite`, `tasks`, `sweep`) to where it was set:
    `--limit`, `run.yaml:3`. `gates` are values of `--fail-under`.
    """

    model: str | None = None
    suite: str | None = None
    tasks: tuple[str, ...] | None = None
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)


def read_run_file(path: Path) -> RunChoices:
    """Read a run file. Raises ConfigError with the file and line of every fault."""
    if path.is_dir():
        raise ConfigError(f"--config {path}: is a folder, not a run file")
    page = read(path)
    faults = Faults()
    found: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    words: dict[str, str] = {}
    for key, value in page.data.items():
        if key == PLAN:
            continue
        with faults.caught(), page.at(key):
            if key in NAMED and not (key in SECTIONS and isinstance(value, dict)):
                found[key] = _named(key, value)
                words[key] = page.where((key,)).removesuffix(": ")
                continue
            for place, dotted, inner in _settings(key, value):
                with faults.caught(), page.at(*place):
                    _refuse_twice(dotted, settings, words)
                    _check(dotted)
                    settings[dotted] = inner
                    words[dotted] = page.where(place).removesuffix(": ")
    if "suite" in found and "tasks" in found:
        with faults.caught(), page.at("tasks"):
            raise ConfigError("give a suite or tasks, not both")
    if "model" in found and (twice := next((key for key in settings if key == "model.path"), None)):
        with faults.caught():
            raise ConfigError(f"{words[twice]}: the model is named twice: also in {words['model']}; keep one")
    faults.refuse()
    return RunChoices(
        found.get("model"),
        found.get("suite"),
        found.get("tasks"),
        found.get("sweep", {}),
        settings,
        found.get("fail_under", ()),
        words,
    )


def _named(key: str, value: Any) -> Any:
    """The value of one of NAMED. Raises ConfigError for one of another kind."""
    if key in ("model", "suite") and isinstance(value, str) and value:
        return value
    if key == "tasks" and isinstance(value, str) and value:
        return (value,)
    if key == "tasks" and isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    if key == "sweep" and isinstance(value, dict) and value:
        axes = {axis: values if isinstance(values, list) else [values] for axis, values in value.items()}
        if all(axes.values()):
            return axes
    if key == "fail_under":
        gates = value if isinstance(value, list) else [value]
        if gates and all(isinstance(gate, str | int | float) and not isinstance(gate, bool) for gate in gates):
            return tuple(str(gate) for gate in gates)
    expected = {
        "tasks": "a list of tasks, or a section with settings of tasks",
        "sweep": "axes with their values, as in {shots: [0, 5]}",
        "fail_under": "a score, or a list of scores and TASK=SCORE",
        "model": "a name, a hub id or a folder",
        "suite": "the name of a suite, or its file",
    }
    shown = f" (found {value!r})" if not isinstance(value, list | dict) else ""
    raise ConfigError(f"{key}: expected {expected[key]}{shown}")


def _settings(key: str, value: Any) -> list[tuple[tuple[str | int, ...], str, Any]]:
    """The config keys that a key of the file sets: the place of each in the file, its dotted name, its value."""
    option = run_options().get(key.replace("-", "_"))
    if isinstance(value, dict) and key in SECTIONS:
        if key != "tasks":
            return [((key, name), f"{key}.{name}", inner) for name, inner in value.items()]
        for name, inner in value.items():
            if not isinstance(inner, dict):
                raise ConfigError(f"tasks.{name}: expected keys with values, as in tasks: {{{name}: {{repeats: 4}}}}")
        return [
            ((key, name, inner), f"tasks.{name}.{inner}", each)
            for name, keys in value.items()
            for inner, each in keys.items()
        ]
    if option is not None:
        return [((key,), option[1].key, value)]
    return [((key,), key, value)]


def _check(dotted: str) -> None:
    """Raise ConfigError for a key that no run has, with the likeliest that it has."""
    head, _, rest = dotted.partition(".")
    if head not in RunConfig.model_fields:
        known = [*run_options(), *NAMED]
        close = suggestion(dotted, known)
        raise ConfigError(f"unknown key {dotted!r}{close}" if close else unknown_key(RunConfig, "", dotted, known))
    if head == "suite":
        raise ConfigError(f"{dotted} cannot be set: name a suite, or the tasks")
    if head == "tasks":
        name, _, key = rest.partition(".")
        if not key:
            raise ConfigError(f"{dotted}: name a key of the task, as in tasks.{name or 'gsm8k'}.repeats")
        check_key(TaskPage, key)
        return
    if head == "engine" and rest:
        # The engine's own options: it checks them itself
        return
    if not rest and section_of(RunConfig.model_fields[head].annotation) is not None:
        raise ConfigError(f"{dotted}: expected keys with values, as in {dotted}: {{...}}")
    check_key(RunConfig, dotted)


def _refuse_twice(dotted: str, settings: Mapping[str, Any], words: Mapping[str, str]) -> None:
    for other in settings:
        if overlap(other, dotted):
            raise ConfigError(f"{dotted} is set twice: also in {words[other]} ({other}); keep one")


def config_of(choices: RunChoices) -> RunConfig:
    """Build the config of the choices. Raises ConfigError, UnknownName."""
    return run_config(
        choices.model,
        choices.suite,
        choices.tasks,
        choices.settings,
        "the command line",
        choices.sweep,
        choices.words,
    )


def merged(file: RunChoices, line: RunChoices) -> tuple[RunChoices, list[str]]:
    """Return the file's choices with those of the command line over them, and a line about each that was replaced."""
    notes: list[str] = []
    words = dict(file.words)
    settings = dict(file.settings)
    model, suite, tasks, sweep = file.model, file.suite, file.tasks, file.sweep

    def drop(key: str, value: Any, by: str) -> None:
        notes.append(f"{words.pop(key)}: {key} {_short(value)} is replaced by {by}")

    named = "model.path" in line.settings
    if line.model is not None or named:
        by = f"--model {line.model}" if line.model is not None else "--set model.path"
        if model is not None:
            drop("model", model, by)
            model = None
        # A revision is of the file's model
        for key in ("model.path", "model.revision"):
            if key in settings and key not in line.settings:
                drop(key, settings.pop(key), by)
    if line.tasks is not None or line.suite is not None:
        by = "--suite" if line.suite is not None else "--tasks"
        for key, value in (("suite", suite), ("tasks", tasks)):
            if value is not None:
                drop(key, value, by)
        suite = tasks = None
    if line.sweep and sweep:
        drop("sweep", sweep, "--sweep")
    if line.gates and file.gates:
        drop("fail_under", file.gates, "--fail-under")
    for key in list(settings):
        over = next((own for own in line.settings if own == key or key.startswith(f"{own}.")), None)
        if over is not None and line.settings[over] == settings[key]:
            del settings[key], words[key]
        elif over is not None:
            shown = f" {_short(line.settings[over])}" if over == key else ""
            drop(key, settings.pop(key), f"{line.words.get(over, over)}{shown}")
    whole = RunChoices(
        line.model or model,
        line.suite or suite,
        line.tasks or tasks,
        line.sweep or sweep,
        {**settings, **line.settings},
        line.gates or file.gates,
        {**words, **line.words},
    )
    return whole, notes


def foreign_code(file: RunChoices, line: RunChoices, config: RunConfig) -> list[str]:
    """Refuse code of others that a run file alone turns on; return a line where it turns the sandbox off.

    A run file may come from a stranger. So may the model page that it names: `config` is the run's. Raises ConfigError.
    """
    faults = Faults()
    allowed = {"trust_remote_code": config.model.trust_remote_code, "trust_page_code": config.data.trust_page_code}
    for name, key in TRUSTED.items():
        typed = key in line.settings or (
            name == "trust_remote_code" and line.model is not None and key not in file.words
        )
        if allowed[name] and not typed:
            where = file.words.get(key) or file.words.get("model") or "the run file"
            with faults.caught():
                raise ConfigError(
                    f"{where}: {name} runs code of others, which a run file cannot allow: type "
                    f"--{name.replace('_', '-')} on the command line too, if you trust it"
                )
    faults.refuse()
    key = "execution.sandbox"
    if config.execution.sandbox == "none" and key not in line.settings:
        return [f"{file.words.get(key, 'the run file')}: sandbox none: the model's programs run unprotected"]
    return []


def without_other_tasks(choices: RunChoices, known: Sequence[str]) -> tuple[RunChoices, list[str]]:
    """Leave out settings of a run file for tasks that the command's own tasks are not; return a line about each."""
    idle = {
        key
        for key in choices.settings
        if key.startswith("tasks.") and key.split(".")[1] not in known and not choices.words[key].startswith("--")
    }
    notes = [f"{choices.words[key]}: {key} has no effect: the run has no such task" for key in sorted(idle)]
    kept = {key: value for key, value in choices.settings.items() if key not in idle}
    return replace(choices, settings=kept), notes


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
