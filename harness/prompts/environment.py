"""The Jinja2 environment of page templates, and which templates are so plain that they may run in this process.

Strict (what is not there is an error), sandboxed (pages may come from strangers), and nothing is computed when a
template is compiled: Jinja folds constants, and `'x' * 10**10` is one. A plain template's cost is bounded by its own
length times its row's; every other one is run where time and memory have limits (`bounded`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Their results are at most a few times as long as what goes in
PLAIN_FILTERS = frozenset(
    (
        *("abs", "after", "capitalize", "count", "d", "default", "first", "float", "int", "last", "length", "list"),
        *("lower", "reverse", "sort", "string", "striptags", "title", "trim", "unique", "upper", "wordcount"),
    )
)
PLAIN_METHODS = frozenset(
    (
        *("count", "endswith", "find", "get", "index", "isdigit", "items", "keys", "lower", "lstrip", "removeprefix"),
        *("removesuffix", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper", "values"),
    )
)
PLAIN_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Concat, nodes.CondExpr),
    *(nodes.If, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter, nodes.Call),
    *(nodes.Add, nodes.Sub, nodes.Neg, nodes.For),
)
LONGEST_SEPARATOR = 16
# Characters that a plain template may touch: a second's work at the very most
MOST_WORK = 100_000_000


class NullValueError(ValueError):
    """A template printed a null."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled template: what it reads, and how its cost grows.

    `plain`: may run here while `nodes` * (the row's length) ** (`depth` + 1) is small; `depth` counts loops in loops.
    """

    template: Any
    names: frozenset[str]
    plain: bool
    nodes: int
    depth: int

    def cheap(self, variables: Mapping[str, Any]) -> bool:
        """Whether filling the template with these values is little work."""
        if not self.plain:
            return False
        room = int((MOST_WORK / self.nodes) ** (1 / (self.depth + 1)))
        return _length((variables[name] for name in self.names if name in variables), room) <= room


def after(value: Any, mark: str) -> str:
    """Return what follows the last mark, stripped; in a page it is a filter."""
    whole = str(value)
    if mark not in whole:
        raise ValueError(f"{mark!r} is not in {whole[:60]!r}")
    return whole.rpartition(mark)[2].strip()


@cache
def planned(template: str) -> Plan:
    """Parse and compile. Raises what Jinja raises, and RecursionError or MemoryError for what is nested too deep."""
    environment = _environment()
    tree = environment.parse(template)
    every = list(tree.find_all(nodes.Node))
    return Plan(
        template=environment.from_string(template),
        # Jinja's own `meta` would compute constants to find them
        names=frozenset(node.name for node in tree.find_all(nodes.Name)),
        plain=all(_plain(node) for node in every),
        nodes=len(every) + 1,
        depth=_loops(tree),
    )


@pass_context
def _refuse_null(context: Any, value: Any) -> Any:
    """A null in a row is no answer called "None"; a page that allows it says what to write instead."""
    if value is None:
        raise NullValueError
    return value


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        # A `finalize` that takes the context, and no optimizer: nothing is computed at compile time
        undefined=StrictUndefined,
        finalize=_refuse_null,
        optimized=False,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["after"] = after
    return environment


def _plain(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Getattr) and node.node.attr in PLAIN_METHODS
    if isinstance(node, nodes.Filter):
        return _plain_filter(node)
    if isinstance(node, nodes.For):
        return not node.recursive
    return type(node) in PLAIN_NODES or isinstance(node, nodes.EvalContext | nodes.Helper)


def _plain_filter(node: nodes.Filter) -> bool:
    if node.name in PLAIN_FILTERS:
        return True
    given = [argument.value if isinstance(argument, nodes.Const) else None for argument in node.args]
    if node.kwargs or not all(isinstance(value, str) for value in given):
        return False
    if node.name == "join":
        return all(len(value) <= LONGEST_SEPARATOR for value in given if value is not None)
    if node.name == "replace" and len(given) == 2:
        old, new = given
        return bool(old) and new is not None and len(new) <= len(old or "")
    return False


def _loops(node: nodes.Node) -> int:
    inner = max((_loops(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def _length(values: Iterable[Any], room: int) -> int:
    """About as many characters as the values print; counting stops above `room`."""
    total = 0
    waiting = list(values)
    while waiting and total <= room:
        value = waiting.pop()
        if isinstance(value, str | bytes):
            total += len(value)
        elif isinstance(value, Mapping):
            total += 4 * len(value)
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            total += 4 * len(value)
            waiting += value
        else:
            total += 24
    return total
