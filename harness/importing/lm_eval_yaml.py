"""Reads a YAML page of lm-evaluation-harness: its includes merged, each key with the file and line that it is from.

Nothing is run: `!function utils.process_docs` becomes a `Function`. YAML is read as that harness reads it (YAML 1.1,
the last of two equal keys wins), since a page means what it means there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.config.yaml_page import shown
from harness.errors import ConfigError

MOST_CHARS = 1 << 22
MOST_INCLUDES = 50
# With a dot in front it would be of another folder
_MODULE = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True)
class Function:
    """`!function module.name` in a page of this folder."""

    module: str
    name: str
    folder: Path

    @property
    def file(self) -> Path:
        """The Python file beside the page that should have it."""
        return (self.folder / f"{self.module.replace('.', '/')}.py").resolve()

    def __str__(self) -> str:
        return f"!function {self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class ForeignPage:
    """A page with its includes: values by key, and `file:line` of each key."""

    path: Path
    values: Mapping[str, Any]
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, key: str) -> str:
        """Where a key was set; the page itself for one that is not."""
        return self.places.get(key, shown(self.path))

    def changed(self, values: Mapping[str, Any], place: str) -> ForeignPage:
        """The page with other values for some keys, which are from `place`."""
        return ForeignPage(self.path, {**self.values, **values}, {**self.places, **dict.fromkeys(values, place)})


def read_foreign(path: Path) -> ForeignPage:
    """Read a page and what it includes. Raises ConfigError with file and line."""
    path = path.expanduser().resolve()
    values, places = _read(path, ())
    return ForeignPage(path, values, places)


def _read(path: Path, way: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    if path in way or len(way) > MOST_INCLUDES:
        raise ConfigError(f"{shown(way[-1])}: its includes go in a circle, by {shown(path)}")
    values, places = _one(path)
    includes = values.pop("include", None)
    included: dict[str, Any] = {}
    included_places: dict[str, str] = {}
    for name in includes if isinstance(includes, list) else [includes] if includes else []:
        other = path.parent / str(name)
        if not other.is_file():
            raise ConfigError(f"{places['include']}: include: there is no {shown(other)}")
        its_values, its_places = _read(other.resolve(), (*way, path))
        # A list of tasks is of the file that has it
        its_values.pop("task_list", None)
        included |= its_values
        included_places |= its_places
    return {**included, **values}, {**included_places, **places}


def _one(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{shown(path)}: is not UTF-8 text") from None
    if len(text) > MOST_CHARS:
        raise ConfigError(f"{shown(path)}: is longer than {MOST_CHARS >> 20} Mi characters")
    loader = _loader(path)(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{shown(path)}:1: expected keys and values")
        loader.flatten_mapping(node)
        values = loader.construct_mapping(node, deep=True)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise ConfigError(f"{shown(path)}:{line}: is not YAML: {getattr(error, 'problem', error)}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error}") from None
    finally:
        loader.dispose()
    places = {str(key.value): f"{shown(path)}:{key.start_mark.line + 1}" for key, _ in node.value}
    return {str(key): value for key, value in values.items()}, places


def _loader(path: Path) -> Any:
    """A loader of plain values that knows `!function` of this page."""
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]
        """With a tag of its own."""

    def function(loader: Any, node: Any) -> Function:
        module, _, name = str(loader.construct_scalar(node)).rpartition(".")
        if not _MODULE.fullmatch(module):
            place = f"{shown(path)}:{node.start_mark.line + 1}"
            raise ConfigError(f"{place}: !function {node.value}: expected a module beside the page, and its function")
        return Function(module, name, path.parent)

    Loader.add_constructor("!function", function)
    return Loader
