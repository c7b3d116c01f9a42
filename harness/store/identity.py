"""What must agree before two sets of records may share one journal: the `identity` section of `manifest.json`.

Guarantees: every field that a command reads is there and of its kind once an identity is parsed; the first that is not
raises RunFolderError with file and key. Fields that no command reads are kept as they were written (`written`), so
that a manifest of another version is rewritten without loss, and is compared whole when a run is resumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from harness.datatypes import Style
from harness.errors import RunFolderError

KINDS = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "a section"}


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a manifest: `file` and `path` (its dotted name) go into the message of a look-up that fails."""

    values: Mapping[str, Any]
    file: str = "manifest.json"
    path: str = ""

    def section(self, key: str) -> Section:
        """Return the section under `key`. Raises RunFolderError."""
        return Section(self._value(key, dict), self.file, f"{self.path}{key}.")

    def sections(self) -> dict[str, Section]:
        """Return every value, each a section, by its key. Raises RunFolderError."""
        return {key: self.section(key) for key in self.values}

    def text(self, key: str) -> str:
        """Return the text under `key`. Raises RunFolderError."""
        return str(self._value(key, str))

    def text_or_none(self, key: str) -> str | None:
        """Return the text under `key`, None where there is none. Raises RunFolderError."""
        return None if self.values.get(key) is None else self.text(key)

    def whole(self, key: str) -> int:
        """Return the whole number under `key`. Raises RunFolderError."""
        return int(self._value(key, int))

    def number(self, key: str) -> float:
        """Return the number under `key`. Raises RunFolderError."""
        return float(self._value(key, float))

    def style(self) -> Style:
        """Return the prompt style under `style`. Raises RunFolderError."""
        for style in get_args(Style):
            if self.text("style") == style:
                return cast(Style, style)
        raise self.fault("style", "is neither text nor chat")

    def items(self, key: str) -> list[Any]:
        """Return the list under `key`. Raises RunFolderError."""
        return list(self._value(key, list))

    def fault(self, key: str, what: str) -> RunFolderError:
        """Make the error that names a key of this section, what is wrong with it, and what to do."""
        return RunFolderError(
            f"{self.file}: the key '{self.path}{key}' {what}: the file was written by another version or edited; "
            "restore it, or run again into another --out"
        )

    def _value(self, key: str, kind: type) -> Any:
        if key not in self.values:
            raise self.fault(key, "is missing")
        value = self.values[key]
        if not isinstance(value, int | float if kind is float else kind) or isinstance(value, bool):
            raise self.fault(key, f"is not {KINDS[kind]}")
        return value


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model: `revision` is the commit of a hub model, None for a folder."""

    name: str
    revision: str | None

    @classmethod
    def parse(cls, section: Section) -> ModelIdentity:
        """Read the section. Raises RunFolderError."""
        return cls(section.text("name"), section.text_or_none("revision"))


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    """The engine; `style`: whether it was prompted with text or by a chat template."""

    name: str
    style: Style
    device: str | None
    dtype: str | None

    @classmethod
    def parse(cls, section: Section) -> EngineIdentity:
        """Read the section. Raises RunFolderError."""
        return cls(
            name=section.text("name"),
            style=section.style(),
            device=section.text_or_none("device"),
            dtype=section.text_or_none("dtype"),
        )


@dataclass(frozen=True, slots=True)
class TaskIdentity:
    """How one task was run. `metrics` are its page's, the primary one first; `shots` the few-shot examples of a prompt.

    `max_tokens` is None for a task that generates nothing; `temperature` 0 is greedy.
    """

    style: Style
    shots: int
    metrics: tuple[str, ...]
    repeats: int
    temperature: float
    max_tokens: int | None

    @classmethod
    def parse(cls, section: Section) -> TaskIdentity:
        """Read a task's fingerprint (`catalog.Task.fingerprint`). Raises RunFolderError."""
        page = section.section("page")
        metrics = page.items("metric")
        if not metrics or not all(isinstance(metric, str) for metric in metrics):
            raise page.fault("metric", "names no metric")
        sampling = page.section("sampling") if "sampling" in page.values else None
        sampled = sampling is not None and "temperature" in sampling.values
        return cls(
            style=section.style(),
            shots=section.whole("shots"),
            metrics=tuple(metrics),
            repeats=page.whole("repeats") if "repeats" in page.values else 1,
            temperature=sampling.number("temperature") if sampling is not None and sampled else 0.0,
            max_tokens=sampling.whole("max_tokens") if sampling is not None else None,
        )

    @property
    def metric(self) -> str:
        """The primary metric."""
        return self.metrics[0]


@dataclass(frozen=True, slots=True)
class Identity:
    """The parsed section. `written` is the section as the file holds it, with every field."""

    model: ModelIdentity
    engine: EngineIdentity
    tasks: Mapping[str, TaskIdentity]
    written: Mapping[str, Any]

    @classmethod
    def parse(cls, section: Section) -> Identity:
        """Read the section. Raises RunFolderError for the first field that is missing or of another kind."""
        return cls(
            ModelIdentity.parse(section.section("model")),
            EngineIdentity.parse(section.section("engine")),
            {name: TaskIdentity.parse(task) for name, task in section.section("tasks").sections().items()},
            section.values,
        )

    def with_tasks(self, tasks: Mapping[str, Any], execution: Mapping[str, Any] | None) -> Identity:
        """Return the identity of the same model and engine under other fingerprints and bounds on programs."""
        return Identity.parse(Section({**self.written, "tasks": tasks, "execution": execution}, path="identity."))
