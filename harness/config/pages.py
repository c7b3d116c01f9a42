"""Where pages are and how a name is resolved. A page's file name is its name; the index reads no YAML."""

from __future__ import annotations

import difflib
import fnmatch
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.config.checking import check, check_key
from harness.config.entries import expanded
from harness.config.places import PACKAGE, shipped
from harness.config.schema import ModelPage, SuitePage, SuiteTask
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage, read, shown
from harness.errors import ConfigError, Faults, UnknownName


def is_own(path: Path) -> bool:
    """Whether a page ships with the harness; any other page is a user's or a third party's."""
    return path.resolve().is_relative_to(shipped("tasks").resolve())


def index(kind: str) -> dict[str, Path]:
    """Return the file of every shipped page of a kind, by name. Raises ConfigError if two files have one name."""
    files: dict[str, Path] = {}
    for path in sorted(shipped(kind).rglob("*.yaml")):
        if path.stem in files:
            raise ConfigError(f"{shown(path)}: {shown(files[path.stem])} has the same name; rename one")
        files[path.stem] = path
    return files


def is_file_name(name: str) -> bool:
    """Whether `name` is the path of a page rather than its name."""
    return name.endswith((".yaml", ".yml")) or "/" in name


def find(kind: str, what: str, name: str, listing: str = "") -> Path:
    """Return the file of a page, given its name or its path. Raises UnknownName, ConfigError."""
    if is_file_name(name):
        path = Path(name).expanduser().resolve()
        if path.is_dir():
            raise ConfigError(f"{name}: is a folder, not a {what} file")
        if not path.is_file():
            raise ConfigError(f"{name}: no such {what} file")
        return path
    known = index(kind)
    if (own := spelt(name, known, what)) is None:
        raise UnknownName(what, name, known, listing=listing)
    return known[own]


def spelt(name: str, known: Iterable[str], what: str) -> str | None:
    """Return the known name that `name` is, or is but for capitals; None for none. Raises ConfigError for several."""
    listed = list(known)
    if name in listed:
        return name
    alike = [other for other in listed if other.casefold() == name.casefold()]
    if len(alike) > 1:
        raise ConfigError(
            f"{what} {name!r}: {' and '.join(map(repr, sorted(alike)))} differ in capitals only; write one"
        )
    return alike[0] if alike else None


def matching_tasks(names: Sequence[str]) -> list[str]:
    """Return names or files of tasks, in order, with every pattern (`*`, `?`, `[...]`) replaced by what it matches.

    Raises ConfigError for a pattern that matches nothing, with the closest names.
    """
    expanded_names: dict[str, None] = {}
    for given in names:
        name = given
        if not is_file_name(name) and not any(sign in name for sign in "*?["):
            name = spelt(name, index("tasks"), "task") or name
        if not any(sign in name for sign in "*?["):
            if name in expanded_names:
                raise ConfigError(f"the task {name!r} is named twice; keep one")
            expanded_names[name] = None
            continue
        if is_file_name(name):
            path = Path(name).expanduser()
            files = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
            matches = sorted(str(file) for file in files if file.suffix in (".yaml", ".yml"))
            closest = ""
        else:
            known = list(index("tasks"))
            matches = fnmatch.filter(known, name)
            closest = _closest(name, known)
        if not matches:
            raise ConfigError(f"tasks: {name!r} matches no {'file' if is_file_name(name) else 'task'}{closest}")
        expanded_names |= dict.fromkeys(matches)
    return list(expanded_names)


def _closest(pattern: str, known: Sequence[str]) -> str:
    """Return `; the closest are 'a', 'b'`: the names whose beginning is most like the pattern."""
    letters = pattern.strip("*?")

    def similarity(name: str) -> float:
        return difflib.SequenceMatcher(None, letters, name[: len(letters)]).ratio()

    best = sorted(known, key=similarity, reverse=True)[:3]
    return f"; the closest are {', '.join(map(repr, best))} (`harness tasks list` lists them all)"


def task_page(name: str, *overrides: tuple[str, dict[str, Any]]) -> tuple[TaskPage, YamlPage]:
    """Load a task page by name or file, with `overrides` as in `checked_task`. Raises UnknownName, ConfigError."""
    return checked_task(read_task(name), *overrides)


def read_task(name: str) -> YamlPage:
    """Read a task page by name or file; its keys are not checked yet. Raises UnknownName, ConfigError."""
    return read(find("tasks", "task", name, "harness tasks list"))


def checked_task(page: YamlPage, *overrides: tuple[str, dict[str, Any]]) -> tuple[TaskPage, YamlPage]:
    """Check a task page after replacing the values of some keys.

    Each of `overrides` is an origin for messages, and dotted keys with values that replace the page's; the last wins.
    """
    for origin, values in overrides:
        page = replaced(page, values, origin)
    task = check(TaskPage, page)
    if task.name != page.path.stem:
        with page.at("name"):
            raise ConfigError(f"name is {task.name!r}, but the file is {page.path.name}")
    return task, page


def suite_page(name: str) -> SuitePage:
    """Load a suite by name or file, with an entry for every use of a page. Raises UnknownName, ConfigError."""
    page = read(find("configs/suites", "suite", name))
    suite = check(SuitePage, page)
    # A suite file may name task files beside it
    beside = [
        task.model_copy(update={"task": str(page.path.parent / task.task)}) if is_file_name(task.task) else task
        for task in suite.tasks
    ]
    entries: list[SuiteTask] = []
    faults = Faults()
    for place, task in enumerate(beside):
        with faults.caught():
            entries += _uses(page, place, task)
    faults.refuse()
    labels = [task.label for task in entries]
    if twice := sorted(label for label in set(labels) if labels.count(label) > 1):
        with page.at("tasks"):
            raise ConfigError(f"the task {twice[0]!r} is listed twice; keep one, or give each use a `name`")
    if suite.languages and suite.languages.english not in labels:
        with page.at("languages", "english"):
            raise UnknownName("task of the suite", suite.languages.english, labels)
    return suite.model_copy(update={"tasks": entries})


def _uses(suite: YamlPage, place: int, entry: SuiteTask) -> list[SuiteTask]:
    """The uses of a page that an entry of a suite makes; what the entry sets is tried on the page.

    Raises UnknownName or ConfigError with the suite's line.
    """
    faults = Faults()
    for part in ("set", "over"):
        for dotted in getattr(entry, part):
            with faults.caught(), suite.at("tasks", place, part, dotted):
                check_key(TaskPage, dotted)
    faults.refuse()
    with suite.at("tasks", place, "over"):
        uses = expanded(entry)
    if not entry.set and not entry.over:
        return uses
    with suite.at("tasks", place):
        page = read_task(entry.task)
    for use in uses:
        tried = page
        for dotted, value in use.set.items():
            part = "set" if dotted in entry.set else "over"
            where = suite.where(("tasks", place, part, dotted))
            tried = replaced(tried, {dotted: value}, f"{where}{part} ")
        checked_task(tried)
    return uses


def model_page(name: str) -> ModelPage:
    """Resolve `--model`: a name in configs/models, a folder, or a hub id. Raises UnknownName, ConfigError."""
    known = index("configs/models")
    if (own := spelt(name, known, "model")) is not None:
        page = read(known[own])
        model = check(ModelPage, page)
        return model.model_copy(update={"path": _inside_package(model.path, page)})
    if name.endswith((".yaml", ".yml")):
        page = read(find("configs/models", "model", name))
        model = check(ModelPage, page)
        return model.model_copy(update={"path": _inside_package(model.path, page)})
    if name.endswith(".gguf"):
        return _gguf_page(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return ModelPage(name=_folder_label(folder.resolve()), path=str(folder.resolve()))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ConfigError(f"--model {name}: no such folder")
    if "/" not in name:
        missing = UnknownName("model", name, known)
        if "did you mean" in str(missing):
            raise missing
    return ModelPage(name=label(name), path=name)


def _gguf_page(name: str) -> ModelPage:
    """`ORG/NAME:FILE.gguf`, `FOLDER:FILE.gguf` or a file: the file's name is the model's. Raises ConfigError."""
    place, _, file = name.rpartition(":")
    folder = Path(place).expanduser()
    whole = Path(name).expanduser()
    if whole.is_file():
        return ModelPage(name=label(whole.stem), path=str(whole.resolve()))
    if not place or (not folder.is_dir() and (place.startswith((".", "/", "~")) or place.count("/") > 1)):
        raise ConfigError(f"--model {name}: no such file")
    found = str(folder.resolve()) if folder.is_dir() else place
    return ModelPage(name=label(Path(file).stem), path=f"{found}:{file}")


def _folder_label(folder: Path) -> str:
    """The folder's name; an adapter's folder is named after its base model too."""
    adapter = folder / "adapter_config.json"
    if not adapter.is_file() or (folder / "model.safetensors").exists():
        return label(folder.name)
    try:
        base = json.loads(adapter.read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return label(folder.name)  # whoever opens the adapter says what is wrong with it
    return f"{label(Path(base).name)}+{label(folder.name)}" if isinstance(base, str) and base else label(folder.name)


def variant_name(name: str, adapter: str | None, quantize: str | None) -> str:
    """A model's name with the adapter and the rounding that a command adds to it: `base+adapter-int8`."""
    if adapter is not None:
        folder = Path(adapter).expanduser()
        name += f"+{label(folder.resolve().name if folder.is_dir() else adapter.partition('@')[0].rpartition('/')[2])}"
    return name if quantize is None else f"{name}-{quantize}"


def replaced(page: YamlPage, values: dict[str, Any], origin: str) -> YamlPage:
    """Return a page with dotted keys set to other values; missing sections on the way are created."""
    for dotted, value in values.items():
        keys = tuple(dotted.split("."))
        data = with_value(page.data, list(keys), value, f"{origin}{dotted}")
        page = YamlPage(page.path, data, page.lines, {**page.set_by, keys: f"{origin}{dotted}"}, page)
    return page


def with_value(data: dict[str, Any], keys: list[str], value: Any, dotted: str) -> dict[str, Any]:
    """Return a copy of nested dicts with one value set. Raises ConfigError where a key's parent is not a section."""
    head, *rest = keys
    if not rest:
        return {**data, head: value}
    inner = data.get(head) if data.get(head) is not None else {}
    if not isinstance(inner, dict):
        raise ConfigError(f"{dotted}: cannot be set: {head!r} holds a value, not keys")
    return {**data, head: with_value(inner, rest, value, dotted)}


def _inside_package(path: str, page: YamlPage) -> str:
    if path.startswith("package:"):
        return str(PACKAGE / path.removeprefix("package:"))
    if path.startswith("."):
        return str((page.path.parent / path).resolve())
    return path


def label(path: str) -> str:
    """Return a model's short name for folders and tables, with its capitals."""
    name = "".join(c if (c.isascii() and c.isalnum()) or c in "._-" else "-" for c in path).strip("._-")
    return name or "model"
