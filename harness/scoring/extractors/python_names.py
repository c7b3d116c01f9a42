"""Which names a statement of Python binds, reads and mentions, found in one pass over its tree.

Guaranteed: every name that running the statement can look up in the scope around it is in `read`, at whatever time
that is (a function's body included). Names that a class reads in its own body count as read from around it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)
# Fields that hold no names: operators, contexts, plain texts and numbers
_PLAIN_FIELDS = {
    *("ctx", "op", "ops", "id", "attr", "arg", "kind", "module", "type_comment", "conversion", "simple"),
    # how many dots a relative import has
    *ast.ImportFrom._fields[2:],
}
_FIELDS = {
    kind: tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


@dataclass(slots=True)
class Names:
    """Names of one statement: bound in its own scope, read from the scope around it, and appearing as texts."""

    bound: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def names(step: ast.AST) -> Names:
    """Return a statement's names. Raises RecursionError where it is nested too deep."""
    found = Names()
    _look(step, found, set())
    return found


def bound(step: ast.AST) -> set[str]:
    """Names that a statement binds in its own scope."""
    if isinstance(step, DEFINITIONS):
        return {step.name}
    found: set[str] = set()
    for node in own_nodes(step):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.add(node.id)
        elif isinstance(node, DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def fills(step: ast.stmt, imported: set[str]) -> set[str]:
    """Names whose items or attributes a statement sets, or that it calls a method of, for its effect alone."""
    if isinstance(step, DEFINITIONS):
        return set()
    found: set[str] = set()
    for node in own_nodes(step):
        if isinstance(node, (ast.Subscript, ast.Attribute)):
            if not isinstance(node.ctx, ast.Load):
                found.add(root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute):
                found |= {root(called)} - imported
    return found - {""}


def root(node: ast.AST) -> str:
    """The name that a chain of attributes, items and calls begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def own_nodes(step: ast.AST) -> Iterator[ast.AST]:
    """A statement's nodes but those of scopes inside it, whose own node is given; without operators and contexts."""
    pending = [step]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _SCOPES):
            pending.extend(_children(node))


def _children(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def _look(node: ast.AST, found: Names, declared: set[str]) -> None:
    """Add a node's names to `found`, and the names that it declares as global to `declared`."""
    if isinstance(node, ast.Name):
        (found.read if isinstance(node.ctx, ast.Load) else found.bound).add(node.id)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and node.value.isidentifier():
            found.texts.add(node.value)
    elif isinstance(node, _SCOPES):
        _look_into(node, found)
    elif isinstance(node, ast.alias):
        found.bound.add((node.asname or node.name).partition(".")[0])
    elif isinstance(node, ast.Global):
        declared.update(node.names)
    else:
        if isinstance(node, ast.ExceptHandler) and node.name:
            found.bound.add(node.name)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            # `total += 1` reads the name, too
            found.read.add(node.target.id)
        for child in _children(node):
            _look(child, found, declared)


def _look_into(node: ast.AST, found: Names) -> None:
    """Add the names of a scope inside a statement: what it binds stays inside, what is not bound there is read."""
    inside, declared = Names(texts=found.texts), set[str]()
    if isinstance(node, ast.ClassDef):
        found.bound.add(node.name)
        inside.read = found.read
        _look_all(_children(node), inside, declared)
    elif isinstance(node, _COMPREHENSIONS):
        _look_all(_children(node), inside, declared)
        targets = set[str]().union(*(bound(part.target) for part in node.generators))
        found.read |= inside.read - targets
    elif isinstance(node, _FUNCTIONS):
        body, around = _parts(node)
        _look_all(body, inside, declared)
        local = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)} | inside.bound
        found.read |= (inside.read - (local - declared)) | declared
        if not isinstance(node, ast.Lambda):
            found.bound.add(node.name)
        _look_all(around, Names(read=found.read, texts=found.texts), set())


def _look_all(nodes: list[ast.AST], found: Names, declared: set[str]) -> None:
    for node in nodes:
        _look(node, found, declared)


def _parts(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> tuple[list[ast.AST], list[ast.AST]]:
    """The body of a function, and what is evaluated around it: decorators, defaults, annotations."""
    around: list[ast.AST] = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    around += [each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg) and each.annotation]
    if isinstance(node, ast.Lambda):
        return [node.body], around
    around += [*node.decorator_list, *([node.returns] if node.returns else [])]
    return list(node.body), around
