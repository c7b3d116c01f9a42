"""Renaming functions and parameters in Python source: the edits that do it, everything else byte for byte as it was.

Guarantees: the edited source has the syntax tree of the original with these names replaced and nothing else (both are
computed, apart from each other, and compared); a name is replaced in its scope only, so that a parameter `list` does
not take the built-in along. Docstrings and comments are edited by the rules of `prose.py`. What cannot be renamed by
reading the source is refused: names that are imported, class attributes, `locals()`.
"""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.execution import thread_safe_ast
from harness.perturb.prose import Edit, edited, prose_edits

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# With these a program reads its own names when it runs
READS_NAMES = frozenset({"locals", "globals", "vars"})
_LINE = re.compile(r"\r\n|\r|\n")
_F_STRING = re.compile(r"(?i)^(?:f|rf|fr)['\"]")
_FIELD = re.compile(r"\{\{|\}\}|\{[^{}]*\}")


class CannotRename(Exception):
    """Why a source cannot be edited; `name` is the name at fault, None where no single one is."""

    def __init__(self, reason: str, name: str | None = None) -> None:
        super().__init__(reason)
        self.name = name


@dataclass(frozen=True, slots=True)
class Names:
    """Old name -> new name, of functions (wherever they are called) and of parameters (inside of these functions).

    `shown`: the parameters that texts may mean, those of functions whose signature the prompt shows.
    """

    functions: Mapping[str, str]
    parameters: Mapping[str, str]
    shown: Mapping[str, str]

    def all(self) -> dict[str, str]:
        """Both in one."""
        return {**self.parameters, **self.functions}


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a source, None for one that is no Python."""
    try:
        return thread_safe_ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parameters_of(function: Function) -> list[str]:
    """Return the names of a function's parameters, in order."""
    given = function.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in every if each is not None]


def code_edits(source: str, names: Names) -> list[Edit]:
    """Return the edits that rename in a whole program, docstrings and comments included.

    Raises CannotRename.
    """
    tree = parsed(source)
    if tree is None:
        raise CannotRename("it is no Python")
    text = _Text(source)
    walk = _Walk(names, text)
    walk.block(tree.body, dict(names.functions), None)
    edits = list(walk.edits)
    if walk.in_f_strings:
        edits += _f_string_edits(text, walk.in_f_strings)
    docstrings = set(_docstring_starts(tree, text))
    for token, start in text.placed:
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and start in docstrings):
            edits += [edit.moved(start) for edit in prose_edits(token.string, names.functions, names.shown)]
    after = parsed(edited(source, edits))
    if after is None or _shape(after) != _shape(tree):
        raise CannotRename("the renamed program does not have the structure of the original")
    return sorted(edits)


class _Text:
    """A source with the place of each of its tokens, in characters from its start."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.starts = [0, *(match.end() for match in _LINE.finditer(source))]
        lines = [source[a:b] for a, b in zip(self.starts, [*self.starts[1:], len(source)], strict=True)]
        self.lines = lines
        rest = iter(lines)
        try:
            tokens = list(tokenize.generate_tokens(lambda: next(rest, "")))
        except (tokenize.TokenError, SyntaxError) as error:
            raise CannotRename(f"its tokens cannot be read: {error}") from None
        self.placed = [(token, self.starts[token.start[0] - 1] + token.start[1]) for token in tokens if token.string]
        self._token_starts = [start for _, start in self.placed]

    def place(self, line: int, column: int) -> int:
        """Return the place of a node: `column` counts UTF-8 bytes, as in `ast`."""
        head = self.lines[line - 1].encode("utf-8", "surrogatepass")[:column]
        return self.starts[line - 1] + len(head.decode("utf-8", "surrogatepass"))

    def name_from(self, start: int, end: int, name: str) -> Iterator[int]:
        """Yield where a token `name` is between two places."""
        for token, place in self.placed[bisect_left(self._token_starts, start) :]:
            if place >= end:
                return
            if token.type == tokenize.NAME and token.string == name:
                yield place

    def token_at(self, place: int) -> tokenize.TokenInfo | None:
        number = bisect_left(self._token_starts, place)
        return self.placed[number][0] if number < len(self.placed) and self._token_starts[number] == place else None


@dataclass(slots=True)
class _Walk:
    """Collects edits and renames in the tree itself; `active` maps the names that are renamed where it is now."""

    names: Names
    text: _Text
    edits: list[Edit] = field(default_factory=list)
    in_f_strings: dict[str, str] = field(default_factory=dict)
    # Functions whose parameters are renamed, so that calls with keywords follow
    with_keywords: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def block(self, nodes: Sequence[ast.AST], active: dict[str, str], owner: ast.ClassDef | None) -> None:
        """Walk statements of one scope; `owner` is the class whose body they are."""
        for node in nodes:
            if isinstance(node, FUNCTIONS) and node.name in self.names.functions and owner is None:
                own = {p: self.names.parameters[p] for p in parameters_of(node) if p in self.names.parameters}
                self.with_keywords[node.name] = own
        for node in nodes:
            self.visit(node, active, owner)

    def visit(self, node: ast.AST, active: dict[str, str], owner: ast.ClassDef | None = None) -> None:
        """Walk one node and what is in it."""
        if isinstance(node, FUNCTIONS):
            self.function(node, active, owner)
        elif isinstance(node, ast.ClassDef):
            for part in (*node.decorator_list, *node.bases, *node.keywords):
                self.visit(part, active)
            self.block(node.body, active, node)
        elif isinstance(node, ast.Lambda):
            self.arguments(node.args, active)
            self.visit(node.body, active)
        elif isinstance(node, ast.Name):
            if node.id in READS_NAMES and isinstance(node.ctx, ast.Load):
                raise CannotRename(f"it calls {node.id}(), which reads names when the program runs")
            if node.id in active:
                if owner is not None and isinstance(node.ctx, ast.Store):
                    raise CannotRename(f"{node.id} is also an attribute of a class", node.id)
                self.rename_at(node.lineno, node.col_offset, node.id, active)
                node.id = active[node.id]
        elif isinstance(node, ast.Global | ast.Nonlocal):
            start = self.text.place(node.lineno, node.col_offset)
            end = self.text.place(node.end_lineno or node.lineno, node.end_col_offset or 0)
            for name in set(node.names) & set(active):
                self.edits += [Edit(at, at + len(name), active[name]) for at in self.text.name_from(start, end, name)]
            node.names = [active.get(name, name) for name in node.names]
        elif isinstance(node, ast.alias):
            bound = node.asname or node.name.partition(".")[0]
            if bound in active:
                raise CannotRename(f"{bound} is also imported", bound)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name in active:
            raise CannotRename(f"{node.name} is also bound by `as` or a pattern", node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest in active:
            raise CannotRename(f"{node.rest} is also bound by a pattern", node.rest)
        else:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                self.keywords(node, self.with_keywords.get(node.func.id, {}))
            inside: dict[str, str] = active
            for child in ast.iter_child_nodes(node):
                self.visit(child, inside, owner if isinstance(node, ast.stmt | ast.expr) else None)
            return
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping):
            for child in ast.iter_child_nodes(node):
                self.visit(child, active, owner)

    def function(self, node: Function, active: dict[str, str], owner: ast.ClassDef | None) -> None:
        """Walk a function; its decorators, defaults and annotations belong to the scope around it."""
        own = self.with_keywords.get(node.name, {}) if owner is None else {}
        inside = {**active, **own}
        for part in node.decorator_list:
            self.visit(part, active)
        if node.returns is not None:
            self.visit(node.returns, active)
        self.arguments(node.args, active, inside)
        if owner is None and node.name in active:
            start = self.text.place(node.lineno, node.col_offset)
            end = self.text.place(node.body[0].lineno, node.body[0].col_offset)
            at = next(self.text.name_from(start, end, node.name))
            self.edits.append(Edit(at, at + len(node.name), active[node.name]))
            node.name = active[node.name]
        nested = [child for child in ast.walk(node) if isinstance(child, FUNCTIONS) and child is not node]
        for child in nested:
            shared = {name: inside[name] for name in parameters_of(child) if name in inside}
            if shared:
                self.with_keywords.setdefault(child.name, shared)
        self.block(node.body, inside, None)

    def arguments(self, given: ast.arguments, around: dict[str, str], inside: dict[str, str] | None = None) -> None:
        """Walk parameters: names as they are inside, defaults and annotations as they are around the function."""
        inside = around if inside is None else inside
        for each in [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]:
            if each is None:
                continue
            if each.arg in inside:
                self.rename_at(each.lineno, each.col_offset, each.arg, inside)
                each.arg = inside[each.arg]
            if each.annotation is not None:
                self.visit(each.annotation, around)
        for default in (*given.defaults, *given.kw_defaults):
            if default is not None:
                self.visit(default, around)

    def keywords(self, call: ast.Call, own: Mapping[str, str]) -> None:
        """Rename the keywords of a call."""
        for keyword in call.keywords:
            if keyword.arg is not None and keyword.arg in own:
                self.rename_at(keyword.lineno, keyword.col_offset, keyword.arg, own)
                keyword.arg = own[keyword.arg]

    def rename_at(self, line: int, column: int, name: str, active: Mapping[str, str]) -> None:
        """Note the edit of a name; inside of an f-string its place is not known before Python 3.12."""
        at = self.text.place(line, column)
        token = self.text.token_at(at)
        if token is not None and token.type == tokenize.NAME and token.string == name:
            self.edits.append(Edit(at, at + len(name), active[name]))
        else:
            self.in_f_strings[name] = active[name]


def _f_string_edits(text: _Text, names: Mapping[str, str]) -> list[Edit]:
    """Edits inside of the replacement fields of f-strings, by the word; the comparison of trees finds what is wrong."""
    word = re.compile(rf"(?<![\w.'\"])(?:{'|'.join(map(re.escape, names))})(?![\w'\"])")
    return [
        Edit(start + part.start() + hit.start(), start + part.start() + hit.end(), names[hit.group()])
        for token, start in text.placed
        if token.type == tokenize.STRING and _F_STRING.match(token.string)
        for part in _FIELD.finditer(token.string)
        for hit in word.finditer(part.group())
    ]


def _docstring_starts(tree: ast.Module, text: _Text) -> Iterator[int]:
    for node in ast.walk(tree):
        for step in getattr(node, "body", []) if isinstance(getattr(node, "body", []), list) else []:
            if isinstance(step, ast.Expr) and _is_text(step.value):
                yield text.place(step.value.lineno, step.value.col_offset)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _shape(tree: ast.Module) -> str:
    """The tree as text, without the texts that stand alone (docstrings)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and _is_text(node.value):
            node.value = ast.Constant("")
    return ast.dump(tree)
