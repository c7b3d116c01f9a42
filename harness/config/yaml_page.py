"""Read one YAML file strictly: plain values, and the line of every key for later messages.

Duplicate keys, tabs and other syntax errors are refused with `file:line`. YAML 1.2, so `no` and `on` are words. Pages
may come from third parties: their size, depth, and the values that their references (`*name`) expand to are bounded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import ConfigError, HarnessError, error_prefix

KeyPath = tuple[str | int, ...]
# The largest shipped page has 10 kB; the parser is slow
MOST_CHARS = 1 << 19
MOST_DEPTH = 50
MOST_BRACKETS = 200
# Values of a page after expanding its references, and the characters in them
MOST_VALUES = 100_000
MOST_EXPANDED_CHARS = 1 << 22
_REFERENCE = re.compile(r"(?:^|[\s,\[{:])\*\S")


@dataclass(frozen=True, slots=True)
class YamlPage:
    """A file's content as plain dicts and lists, and the line (from 1) on which each key path starts.

    `set_by` names who replaced a key's value (`--set tasks.gsm8k.repeats`), so that a message blames the right place;
    `before` is the page without the last of these values. `beside`: what was loaded from files beside the page, by
    their paths, so that all that use the page share it.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    set_by: Mapping[KeyPath, str] = field(default_factory=dict)
    before: YamlPage | None = None
    beside: dict[Path, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def script(self) -> Path:
        """The page's Python file, which may not exist: the one that `code` names, else that of the page's own name."""
        code = self.data.get("code")
        return self.path.with_name(code) if isinstance(code, str) else self.path.with_suffix(".py")

    def where(self, key: KeyPath = ()) -> str:
        """Return `file:line: ` of a key, or of its nearest ancestor that is in the file or was set."""
        if (setting := self.setting(key)) is not None:
            return f"{setting}: "
        while key and key not in self.lines:
            key = key[:-1]
        return f"{shown(self.path)}:{self.lines.get(key, 1)}: "

    def setting(self, key: KeyPath) -> str | None:
        """Who set a key, a section that it is in, or a key of a section that the file lacks; None if none of them."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.set_by:
                return self.set_by[key[:end]]
        for end in range(len(key), 0, -1):
            if key[:end] in self.lines:
                return None
            below = (who for place, who in self.set_by.items() if place[:end] == key[:end])
            if (who := next(below, None)) is not None:
                return who
        return None

    @contextmanager
    def at(self, *key: str | int) -> Iterator[None]:
        """Put the place of a key (`where`) in front of the message of a HarnessError that passes by.

        The innermost place is kept: an error that passes through several of these gets one. Costs nothing until then.
        """
        try:
            yield
        except HarnessError as error:
            if error.located:
                raise
            error.located = True
            if self.set_by and self.setting(key) is None:
                # The file may be right, and a value from elsewhere may not fit it
                others = ", ".join(dict.fromkeys(self.set_by.values()))
                error.args = (f"{error} (the page as changed by {others})",)
            with error_prefix(self.where(key)):
                raise


class _NotYaml(Exception):
    """A value of the command line that is plain text, not YAML."""


def shown(path: Path) -> str:
    """Return a path for a message: relative to the working directory if it is inside it."""
    # As texts, since this is called for every sample of a task: `Path.relative_to` takes ten times as long
    name, here = str(path), str(Path.cwd())
    below = here.rstrip(os.sep) + os.sep
    return name[len(below) :] if name.startswith(below) and name != below else "." if name == here else name


def read(path: Path) -> YamlPage:
    """Read a mapping from `path`. Raises ConfigError for a file that is missing, empty, not a mapping, or too large."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_CHARS + 1)
    except OSError as error:
        raise ConfigError(f"{shown(path)}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{shown(path)}: is not UTF-8 text") from None
    if len(text) > MOST_CHARS:
        raise ConfigError(f"{shown(path)}: is longer than {MOST_CHARS >> 10} Ki characters; keep data out of pages")

    def fault(line: int, message: str) -> ConfigError:
        return ConfigError(f"{shown(path)}:{line}: {message}")

    tree = _loaded(text, fault)
    if tree is None:
        raise ConfigError(f"{shown(path)}: the file is empty")
    if not isinstance(tree, dict):
        kind = "list" if isinstance(tree, list) else "single value"
        raise ConfigError(f"{shown(path)}:1: expected keys and values, found a {kind}")
    lines: dict[KeyPath, int] = {}
    data = _plain(tree, (), lines)
    return YamlPage(path, data, lines)


def parse_value(text: str) -> Any:
    """Read one YAML value, as in `--set key=value`; text that is not YAML stays text. Raises ConfigError."""
    if len(text) > MOST_CHARS:
        raise ConfigError(f"the value {text[:60]!r}... is longer than {MOST_CHARS >> 10} Ki characters")
    try:
        return _plain(_loaded(text, lambda line, message: _NotYaml(message)), (), {})
    except _NotYaml:
        return text


def _loaded(text: str, fault: Callable[[int, str], Exception]) -> Any:
    """Return ruamel's annotated tree of a text. Raises `fault(line, message)`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if (line := _depth_line(text)) is not None:
        raise fault(line, "nested too deep")
    loader = YAML(typ="rt", pure=True)
    try:
        if _REFERENCE.search(text):
            _refuse_expansion(YAML(typ="rt", pure=True).compose(text), fault)
        return loader.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        key = str(error.problem).partition('"')[2].partition('"')[0]
        raise fault(line, f"the key {key!r} appears twice; keep one") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise fault(line, f"not valid YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise fault(1, f"not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise fault(1, "nested too deep") from None
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, AssertionError) as error:
        # Errors of the parser itself on unusual values: an invalid date, an integer of 5000 digits, an unknown tag
        raise fault(1, f"not valid YAML: {' '.join(str(error).split())[:200] or type(error).__name__}") from None


def _depth_line(text: str) -> int | None:
    """Return the line where more brackets are open than allowed, None for no line; they slow the parser down."""
    if text.count("[") + text.count("{") <= MOST_BRACKETS:
        return None
    depth = 0
    for bracket in re.finditer(r"[\[{\]}]", text):
        depth = max(0, depth + (1 if bracket.group() in "[{" else -1))
        if depth > MOST_BRACKETS:
            return text.count("\n", 0, bracket.start()) + 1
    return None


def _refuse_expansion(root: Any, fault: Callable[[int, str], Exception]) -> None:
    """Refuse references that contain themselves, or that expand to more values than allowed.

    Sizes are summed over the graph of nodes, each node once, so that the check itself is quick.
    """
    sizes: dict[int, tuple[int, int]] = {}
    open_nodes: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(root, False)] if root is not None else []
    while waiting:
        node, done = waiting.pop()
        parts = _parts(node)
        line = node.start_mark.line + 1 if node.start_mark else 1
        if done:
            open_nodes.discard(id(node))
            chars_here = len(node.value) if isinstance(node.value, str) else 0
            counts = [sizes[id(part)] for part in parts]
            sizes[id(node)] = 1 + sum(count for count, _ in counts), chars_here + sum(chars for _, chars in counts)
            if sizes[id(node)][0] > MOST_VALUES or sizes[id(node)][1] > MOST_EXPANDED_CHARS:
                raise fault(line, f"its references multiply to more than {MOST_VALUES} values; write them out")
        elif id(node) in open_nodes:
            raise fault(line, "a reference that holds itself")
        elif id(node) not in sizes:
            open_nodes.add(id(node))
            waiting.append((node, True))
            waiting += [(part, False) for part in parts]


def _parts(node: Any) -> list[Any]:
    """Return the nodes inside a node: a list's elements, a mapping's keys and values."""
    if isinstance(node.value, str) or node.value is None:
        return []
    return [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]


def _plain(node: Any, key: KeyPath, lines: dict[KeyPath, int]) -> Any:
    """Copy ruamel's annotated tree into plain Python and record the line of each key. Raises ConfigError."""
    if len(key) > MOST_DEPTH:
        raise ConfigError(f"{'.'.join(map(str, key[:6]))}...: nested more than {MOST_DEPTH} deep")
    if isinstance(node, dict):
        position = getattr(node, "lc", None)
        for name in node:
            if position is not None and position.data and name in position.data:
                lines[(*key, str(name))] = position.key(name)[0] + 1
        return {str(name): _plain(value, (*key, str(name)), lines) for name, value in node.items()}
    if isinstance(node, list):
        position = getattr(node, "lc", None)
        for index in range(len(node)):
            if position is not None and position.data and index in position.data:
                lines[(*key, index)] = position.item(index)[0] + 1
        return [_plain(value, (*key, index), lines) for index, value in enumerate(node)]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
