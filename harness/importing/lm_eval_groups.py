"""Groups of lm-evaluation-harness: which task pages a file names, and how their scores are averaged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.yaml_page import shown
from harness.errors import ConfigError
from harness.importing.lm_eval_yaml import ForeignPage, read_foreign

# Keys of a group's own; any other is set for its tasks
OWN_KEYS = {"group", "group_alias", "task", "aggregate_metric_list", "metadata", "tag", "include"}
_NAMED = re.compile(r"(?m)^[\"']?(?:task|group)[\"']?\s*:\s*[\"']?([^\s\"'#\[]+)")
_TAG = re.compile(r"(?ms)^[\"']?tag[\"']?\s*:(.*?)(?=^\S|\Z)")


@dataclass(frozen=True, slots=True)
class Suite:
    """A group as a suite: its name, and whether tasks count by their sizes."""

    name: str
    by_size: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The tasks that a file defines, and the suite where it is a group."""

    tasks: tuple[ForeignPage, ...]
    suite: Suite | None = None


@dataclass(slots=True)
class GroupReader:
    """Finds pages by the names that groups use: in the group's folder first, then in the folder `tasks` above it."""

    _names: dict[Path, dict[str, list[Path]]] = field(default_factory=dict)

    def read(self, file: Path) -> Group:
        """Read a file of a task, a group or a list of tasks. Raises ConfigError."""
        page = read_foreign(file)
        if isinstance(page.values.get("task_list"), list):
            return Group(tuple(self._listed(page)))
        if not _is_group(page.values):
            return Group((page,))
        tasks = tuple(self._members(page, {}, ()))
        return Group(tasks, Suite(str(page.values.get("group") or file.stem), _by_size(page)))

    def _listed(self, page: ForeignPage) -> list[ForeignPage]:
        shared = {key: value for key, value in page.values.items() if key != "task_list"}
        base = ForeignPage(page.path, shared, page.places)
        place = page.place("task_list")
        return [
            base.changed(entry if isinstance(entry, dict) else {"task": entry}, place)
            for entry in page.values["task_list"]
        ]

    def _members(self, group: ForeignPage, settings: Mapping[str, Any], way: tuple[str, ...]) -> list[ForeignPage]:
        name = str(group.values.get("group"))
        if name in way:
            raise ConfigError(f"{shown(group.path)}: the group {name} contains itself")
        settings = {**{key: value for key, value in group.values.items() if key not in OWN_KEYS}, **settings}
        place = group.place("task")
        listed = group.values.get("task") or []
        found: list[ForeignPage] = []
        for entry in listed if isinstance(listed, list) else [listed]:
            if isinstance(entry, dict) and isinstance(entry.get("task"), list):
                inner = ForeignPage(group.path, entry, dict.fromkeys(entry, place))
                found += self._members(inner, settings, (*way, name))
                continue
            own = dict(entry) if isinstance(entry, dict) else {}
            wanted = str(own.pop("task", None) or own.pop("group", None) or entry)
            for file in self._found(group.path, wanted, place):
                page = read_foreign(file)
                if _is_group(page.values):
                    found += self._members(page, {**settings, **own}, (*way, name))
                else:
                    found.append(page.changed({**settings, **own}, place))
        return found

    def _found(self, beside: Path, name: str, place: str) -> list[Path]:
        """The files of a name: a task, a group, or a tag that several pages have."""
        above = next((folder for folder in beside.parents if folder.name == "tasks"), beside.parent)
        for root in dict.fromkeys((beside.parent, above)):
            if root not in self._names:
                self._names[root] = _index(root)
            if files := self._names[root].get(name):
                return files
        raise ConfigError(f"{place}: no page here is called {name}, nor has it as its tag")


def _index(root: Path) -> dict[str, list[Path]]:
    """Names and tags of the pages under a folder, read from their text: thousands of files are no YAML to parse."""
    names: dict[str, list[Path]] = {}
    tags: dict[str, list[Path]] = {}
    for file in sorted(root.rglob("*.yaml")):
        text = file.read_text(encoding="utf-8", errors="replace")
        for name in _NAMED.findall(text):
            names.setdefault(name, []).append(file)
        for block in _TAG.findall(text):
            for tag in re.findall(r"[\w.-]+", block):
                tags.setdefault(tag, []).append(file)
    return {**tags, **{name: files[:1] for name, files in names.items()}}


def _is_group(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("task"), list) or ("group" in values and "task" not in values)


def _by_size(page: ForeignPage) -> bool:
    """Whether tasks count by their sizes, which is the default there. Raises ConfigError where metrics differ in it."""
    listed = page.values.get("aggregate_metric_list") or []
    weights = {bool(entry.get("weight_by_size", True)) for entry in (listed if isinstance(listed, list) else [listed])}
    if len(weights) > 1:
        raise ConfigError(
            f"{page.place('aggregate_metric_list')}: only some metrics are weighted by size: name one way"
        )
    return weights != {False}
