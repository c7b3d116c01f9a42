"""Whether a `manifest.json` holds what a run is read by: each missing or misshapen key becomes one line with its name.

The keys that every command needs are checked when the file is read. All sections raise the same error when a key that
only one command needs is looked up and is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import RunFolderError

# Any key of a section whose names are those of tasks
EACH = "*"
SHAPE: Mapping[str, Any] = {
    "run_id": str,
    "identity": {
        "model": {},
        "engine": {},
        "tasks": {EACH: {"page": {"metric": list}, "shots": int, "style": str}},
    },
    "config": {"model": {"name": str, "path": str}, "suite": {"name": str, "tasks": list}},
    "engine": {"engine": str, "style": str},
    "tasks": {EACH: {"total": int}},
    "command": list,
    "status": str,
}
WORDS = {str: "text", int: "a whole number", list: "a list", dict: "a section"}


class ManifestSection(dict[str, Any]):
    """A section of a manifest; looking up a key that it lacks raises RunFolderError."""

    def __init__(self, values: Any = (), where: str = "manifest", dotted: str = "") -> None:
        """`where` is the file, `dotted` the section's own name."""
        super().__init__(values)
        self.where, self.dotted = where, dotted

    def __missing__(self, key: str) -> Any:
        raise RunFolderError(fault(self.where, f"{self.dotted}{key}", "is missing"))


def checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a manifest's values as sections. Raises RunFolderError for the first key that is not as it must be."""
    _check(values, SHAPE, where, "")
    for task in values["identity"]["tasks"]:
        if task not in values["tasks"]:
            raise RunFolderError(fault(where, f"tasks.{task}", "is missing"))
        metric = values["identity"]["tasks"][task]["page"]["metric"]
        if not metric or not all(isinstance(one, str) for one in metric):
            raise RunFolderError(fault(where, f"identity.tasks.{task}.page.metric", "names no metric"))
    for place, entry in enumerate(values["config"]["suite"]["tasks"]):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("task"), str):
            raise RunFolderError(fault(where, f"config.suite.tasks.{place}.task", "is missing"))
    return {key: _sections(value, where, f"{key}.") for key, value in values.items()}


def fault(where: str, dotted: str, what: str) -> str:
    """Say what is wrong with a key, and what to do."""
    return (
        f"{where}: the key {dotted!r} {what}: the file was written by another version or edited; restore it, or run "
        "again into another --out"
    )


def _check(values: Mapping[str, Any], shape: Mapping[str, Any], where: str, dotted: str) -> None:
    for key, wanted in shape.items():
        for name in list(values) if key == EACH else [key]:
            if name not in values:
                raise RunFolderError(fault(where, f"{dotted}{name}", "is missing"))
            value, kind = values[name], dict if isinstance(wanted, Mapping) else wanted
            if not isinstance(value, kind) or isinstance(value, bool):
                raise RunFolderError(fault(where, f"{dotted}{name}", f"is not {WORDS[kind]}"))
            if isinstance(wanted, Mapping):
                _check(value, wanted, where, f"{dotted}{name}.")


def _sections(value: Any, where: str, dotted: str) -> Any:
    if isinstance(value, dict):
        return ManifestSection({k: _sections(v, where, f"{dotted}{k}.") for k, v in value.items()}, where, dotted)
    if isinstance(value, list):
        return [_sections(one, where, f"{dotted}{place}.") for place, one in enumerate(value)]
    return value
