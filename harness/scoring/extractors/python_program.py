"""From the Python that a model wrote to the program that is judged: what EvalPlus calls sanitizing.

Guaranteed: a program that needs nothing of this is returned as written. Else, of a program whose function is known,
- what follows the finished function is cut where the answer ends in the middle of it;
- statements at the top level that only run (example calls, asserts, `input()`, `sys.exit()`, `if __name__ ...`) are
  left out, as EvalPlus 0.3.1 does; so are definitions that the function does not use;
- imports and helpers that it uses are taken from the answer's other blocks.

Kept, where EvalPlus drops it: decorated functions; statements that bind or fill something which the function uses
(`for n in ...: table.append(n)`, `try: import ...`); settings of the interpreter (`sys.setrecursionlimit`). Of several
definitions of one name the last counts, as in Python; EvalPlus keeps the first.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Sequence

from harness.scoring.extractors.python_names import DEFINITIONS, Names, bound, fills, root
from harness.scoring.extractors.python_names import names as names_of
from harness.scoring.extractors.python_source import is_empty, parsed

# Calls on modules that later code relies on
_SETTINGS = {"setrecursionlimit", "set_int_max_str_digits", "seed", "seterr", "filterwarnings", "simplefilter"}
# Calls that may use any name of the program
_BY_NAME = {"eval", "exec", "globals", "locals", "vars", "getattr"}
# How many places are tried as the end of what parses
_MOST_CUTS = 40
_FUTURE = re.compile(r"^from[ \t]+__future__[ \t]+import[ \t]+(?:\([^)]*\)|[^\n;(]+)[ \t]*;?[ \t]*\n?", re.MULTILINE)
_PROMPT = re.compile(r"[ \t]*(?:>>>|\.\.\.|In \[\d*\]:|\.\.\.:)(?: (.*)|[ \t]*)\Z")
_SESSION = re.compile(r"(?:[ \t]*\n)*[ \t]*(?:>>>|In \[\d*\]:)(?: |$)", re.MULTILINE)
# A line at the left edge: group 1 where it only defines or imports, group 2 the name that it defines
_EDGE = re.compile(r"^(?:((?:(?:async[ \t]+def|def|class)[ \t]+(\w+)|import\b|from\b|#|\)))|[^\s].*)", re.MULTILINE)
_BUILT_IN = set(dir(builtins))
_IMPORTS = (ast.Import, ast.ImportFrom)


def program(code: str, names: Sequence[str], mentioned: Iterable[str], others: Sequence[str]) -> str:
    """Return what is judged of `code`, which defines one of `names`.

    `mentioned` are the identifiers of the tests, `others` the answer's other blocks.
    """
    code = without_prompts(code)
    others = [other for other in others if other != code]
    if not others and _is_plain(code, names):
        return code
    tree = parsed(code)
    if tree is None:
        code = _finished(code, names)
        tree = parsed(code)
    if tree is None:
        return code
    if not others and (kept := _without_calls(tree)) is not None:
        # The common case, many times quicker than to ask what uses what
        return code if len(kept) == len(tree.body) else _text(kept, code)
    try:
        steps = [_Step(step) for step in tree.body]
        wanted = set(names) | set(mentioned)
        added = _needed(steps, others)
        return _joined(added, _trimmed(code, steps, wanted, set(names)))
    except RecursionError:
        return code


def _is_plain(code: str, names: Sequence[str]) -> bool:
    """Whether all that is at the left edge is imports, classes and functions, one of `names` the last.

    Seen by the lines alone, which is many times quicker than parsing: such a program, complete or cut in its
    function, is judged as it is.
    """
    last = ""
    for found in _EDGE.finditer(code):
        if found.group(1) is None:
            return False
        last = found.group(2) or last
    return last in names


def without_prompts(code: str) -> str:
    """Return the statements of an interpreter's session, if that is what `code` is."""
    if not _SESSION.match(code):
        return code
    lines = code.split("\n")
    found = [_PROMPT.match(line) for line in lines]
    return "\n".join(match.group(1) or "" for match in found if match)


def _without_calls(tree: ast.Module) -> list[ast.stmt] | None:
    """The statements but calls, asserts and the like that bind nothing; None where other statements run as well."""
    imported = set().union(*(bound(step) for step in tree.body if isinstance(step, _IMPORTS)))
    kept: list[ast.stmt] = []
    for step in tree.body:
        plain = isinstance(step, ast.FunctionDef) and not step.decorator_list
        if plain or isinstance(step, _IMPORTS) or _is_constant(step):
            kept.append(step)
        elif not (isinstance(step, (ast.Assert, ast.Raise)) or _is_main(step) or _only_calls(step, imported)):
            return None
    return kept


def _is_constant(step: ast.stmt) -> bool:
    """Whether a statement is a text, or gives names to constants and built-in things."""
    if not isinstance(step, (ast.Expr, ast.Assign)):
        return False
    allowed = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Name, ast.expr_context, ast.UnaryOp, ast.USub)
    nodes = list(ast.walk(step.value))
    if isinstance(step, ast.Assign) and not all(isinstance(target, ast.Name) for target in step.targets):
        return False
    return all(isinstance(node, allowed) and (not isinstance(node, ast.Name) or node.id in _BUILT_IN) for node in nodes)


def _is_main(step: ast.stmt) -> bool:
    return isinstance(step, ast.If) and not step.orelse and ast.unparse(step.test).startswith("__name__")


def _only_calls(step: ast.stmt, imported: set[str]) -> bool:
    """Whether a statement is a call of a function, or of an imported module's that changes no setting."""
    if not isinstance(step, ast.Expr) or not isinstance(step.value, ast.Call):
        return False
    called = step.value.func
    if isinstance(called, ast.Attribute):
        return called.attr not in _SETTINGS and root(called) in imported
    return isinstance(called, ast.Name)


def _text(kept: Sequence[ast.stmt], code: str) -> str:
    lines = code.encode().split(b"\n")
    return "\n".join(_source(step, lines) for step in kept)


def _finished(code: str, names: Sequence[str]) -> str:
    """Cut what does not parse behind a finished definition of one of `names`; the code itself where there is none.

    Finished: the first line that is cut is at the left edge, so no body loses a line.
    """
    lines = code.split("\n")
    edges = [n for n, line in enumerate(lines) if line[:1] not in ("", " ", "\t", ")", "]", "}", "#")]
    for edge in reversed(edges[-_MOST_CUTS:]):
        if re.match(r"(?:else|elif|except|finally)\b", lines[edge]):
            continue
        head = "\n".join(lines[:edge]).rstrip()
        tree = parsed(head)
        if tree is not None:
            return head if any(name in bound(step) for step in tree.body for name in names) else code
    return code


class _Step:
    """A statement at the top level with the names that concern it, each looked for when it is first wanted."""

    __slots__ = ("_fills", "_names", "bound", "node")

    def __init__(self, node: ast.stmt) -> None:
        self.node = node
        self.bound = bound(node)
        self._names: Names | None = None
        self._fills: set[str] | None = None

    @property
    def names(self) -> Names:
        if self._names is None:
            self._names = names_of(self.node)
        return self._names

    def fills(self, imported: set[str]) -> set[str]:
        """What the statement fills; `imported` is the same at every call."""
        if self._fills is None:
            self._fills = fills(self.node, imported)
        return self._fills


def _trimmed(code: str, steps: Sequence[_Step], wanted: set[str], names: set[str]) -> str:
    """Leave out the statements that nothing wanted uses; the code itself where that is none."""
    if not any(step.bound & names for step in steps):
        return code
    imported = set[str]().union(*(step.bound for step in steps if isinstance(step.node, _IMPORTS)))
    used = _reachable(steps, wanted, imported)
    kept = [step.node for step in steps if _is_kept(step, used, imported)]
    dropped = [step.node for step in steps if step.node not in kept]
    if all(isinstance(step, (ast.FunctionDef, ast.AsyncFunctionDef)) and not step.decorator_list for step in dropped):
        # Functions that are never called change nothing
        return code
    return _text(kept, code)


def _reachable(steps: Sequence[_Step], wanted: set[str], imported: set[str]) -> set[str]:
    used, grew = set(wanted), True
    pending = list(steps)
    while grew:
        grew = False
        for step in list(pending):
            if step.bound & used or step.fills(imported) & used:
                pending.remove(step)
                used |= step.names.read | step.names.texts
                grew = True
                if step.names.read & _BY_NAME:
                    used |= set().union(*(each.bound for each in steps if isinstance(each.node, DEFINITIONS)))
    return used


def _is_kept(step: _Step, used: set[str], imported: set[str]) -> bool:
    node = step.node
    if isinstance(node, _IMPORTS):
        return True
    if _is_main(node):
        return False
    if isinstance(node, ast.Expr):
        called = node.value.func if isinstance(node.value, ast.Call) else None
        setting = isinstance(called, ast.Attribute) and called.attr in _SETTINGS
        return setting or isinstance(node.value, ast.Constant) or bool(step.fills(imported) & used)
    return bool((step.bound | step.fills(imported)) & used)


def _needed(steps: Sequence[_Step], others: Sequence[str]) -> list[str]:
    """Imports and definitions of the other blocks that the program uses and has not, in their order."""
    pool = [_Provider(step, other) for other in others if (found := parsed(other)) for step in found.body]
    pool = [provider for provider in pool if provider.names]
    if not pool:
        return []
    own = set[str]().union(*(step.bound for step in steps))
    missing = set[str]().union(*(step.names.read for step in steps)) - own
    taken: dict[int, str] = {}
    missed: set[str] = set()
    while missing - missed:
        missed = set(missing)
        # The last definition of a name counts; what it uses is taken too
        for place in range(len(pool) - 1, -1, -1):
            provider = pool[place]
            given = provider.names & missing
            if given:
                taken[place] = _source(provider.node, provider.code.encode().split(b"\n"))
                own |= given
                missing = (missing | names_of(provider.node).read) - own
    first = [text for place, text in sorted(taken.items()) if isinstance(pool[place].node, _IMPORTS)]
    return first + [text for place, text in sorted(taken.items()) if not isinstance(pool[place].node, _IMPORTS)]


class _Provider:
    """A statement of another block, and the names that it may give to the program."""

    __slots__ = ("code", "names", "node")

    def __init__(self, node: ast.stmt, code: str) -> None:
        self.node = node
        self.code = code
        self.names = _provided(node)


def _provided(step: ast.stmt) -> set[str]:
    if isinstance(step, DEFINITIONS):
        return set() if all(map(is_empty, step.body)) else bound(step)
    return bound(step) - _BUILT_IN if isinstance(step, (*_IMPORTS, ast.Assign, ast.AnnAssign)) else set()


def _joined(added: Sequence[str], code: str) -> str:
    if not added:
        return code
    future = "".join(_FUTURE.findall(code))
    rest = _FUTURE.sub("", code) if future else code
    return (
        future + ("\n" if future and not future.endswith("\n") else "") + "\n".join(added) + "\n\n" + rest.lstrip("\n")
    )


def _source(step: ast.stmt, lines: Sequence[bytes]) -> str:
    """The text of a statement with its decorators."""
    decorators = getattr(step, "decorator_list", [])
    first = min([step.lineno, *(decorator.lineno for decorator in decorators)])
    start = 0 if decorators else step.col_offset
    last = step.end_lineno or first
    part = list(lines[first - 1 : last])
    part[-1] = part[-1][: step.end_col_offset]
    part[0] = part[0][start:]
    return b"\n".join(part).decode(errors="replace")
