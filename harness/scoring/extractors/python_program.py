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
from collections.abc import Iterable, Iterator, Sequence

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
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
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
        wanted = set(names) | set(mentioned)
        added = _needed(tree, others)
        return _joined(added, _trimmed(code, tree, wanted, set(names)))
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
    imported = set().union(*(_bound(step) for step in tree.body if isinstance(step, _IMPORTS)))
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
        return called.attr not in _SETTINGS and _root(called) in imported
    return isinstance(called, ast.Name)


def _text(kept: Sequence[ast.stmt], code: str) -> str:
    lines = code.encode().split(b"\n")
    return "\n".join(_source(step, lines) for step in kept)


def _finished(code: str, names: Sequence[str]) -> str:
    """Cut what does not parse behind a finished definition of one of `names`; the code itself where there is none.

    Finished: the first line that is cut stands at the left edge, so no body loses a line.
    """
    lines = code.split("\n")
    edges = [n for n, line in enumerate(lines) if line[:1] not in ("", " ", "\t", ")", "]", "}", "#")]
    for edge in reversed(edges[-_MOST_CUTS:]):
        if re.match(r"(?:else|elif|except|finally)\b", lines[edge]):
            continue
        head = "\n".join(lines[:edge]).rstrip()
        tree = parsed(head)
        if tree is not None:
            return head if any(name in _bound(step) for step in tree.body for name in names) else code
    return code


def _trimmed(code: str, tree: ast.Module, wanted: set[str], names: set[str]) -> str:
    """Leave out the statements that nothing wanted uses; the code itself where that is none."""
    steps = [(step, _bound(step)) for step in tree.body]
    if not any(bound & names for _, bound in steps):
        return code
    used = _reachable(steps, wanted)
    imported = _imported(steps)
    kept = [step for step, bound in steps if _is_kept(step, bound, used, imported)]
    dropped = [step for step in tree.body if step not in kept]
    if all(isinstance(step, (ast.FunctionDef, ast.AsyncFunctionDef)) and not step.decorator_list for step in dropped):
        # Functions that are never called change nothing
        return code
    return _text(kept, code)


def _reachable(steps: Sequence[tuple[ast.stmt, set[str]]], wanted: set[str]) -> set[str]:
    used, grew = set(wanted), True
    imported = _imported(steps)
    pending = list(steps)
    while grew:
        grew = False
        for entry in list(pending):
            step, bound = entry
            if bound & used or _fills(step, imported) & used:
                pending.remove(entry)
                free = _free(step)
                used |= free | _by_text(step)
                grew = True
                if free & _BY_NAME:
                    used |= set().union(*(own for each, own in steps if isinstance(each, _DEFINITIONS)))
    return used


def _is_kept(step: ast.stmt, bound: set[str], used: set[str], imported: set[str]) -> bool:
    if isinstance(step, _IMPORTS):
        return True
    if _is_main(step):
        return False
    if isinstance(step, ast.Expr):
        called = step.value.func if isinstance(step.value, ast.Call) else None
        setting = isinstance(called, ast.Attribute) and called.attr in _SETTINGS
        return setting or isinstance(step.value, ast.Constant) or bool(_fills(step, imported) & used)
    return bool((bound | _fills(step, imported)) & used)


def _imported(steps: Sequence[tuple[ast.stmt, set[str]]]) -> set[str]:
    return set().union(*(bound for step, bound in steps if isinstance(step, _IMPORTS)))


def _needed(tree: ast.Module, others: Sequence[str]) -> list[str]:
    """Imports and definitions of the other blocks that the program uses and has not, in their order."""
    if not others:
        return []
    own = set().union(*(_bound(step) for step in tree.body))
    missing = set().union(*(_free(step) for step in tree.body)) - own
    pool = [(step, other) for other in others if missing and (found := parsed(other)) for step in found.body]
    taken: dict[int, str] = {}
    missed: set[str] = set()
    while missing - missed:
        missed = set(missing)
        # The last definition of a name counts; what it uses is taken too
        for place in range(len(pool) - 1, -1, -1):
            step, other = pool[place]
            bound = _provided(step) & missing
            if bound:
                taken[place] = _source(step, other.encode().split(b"\n"))
                own |= bound
                missing = (missing | _free(step)) - own
    first = [text for place, text in sorted(taken.items()) if isinstance(pool[place][0], _IMPORTS)]
    return first + [text for place, text in sorted(taken.items()) if not isinstance(pool[place][0], _IMPORTS)]


def _provided(step: ast.stmt) -> set[str]:
    """Names that a statement of another block may give to the program."""
    if isinstance(step, _DEFINITIONS):
        return set() if all(map(is_empty, step.body)) else _bound(step)
    return _bound(step) - _BUILT_IN if isinstance(step, (*_IMPORTS, ast.Assign, ast.AnnAssign)) else set()


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


def _bound(step: ast.AST) -> set[str]:
    """Names that a statement binds in its own scope."""
    found: set[str] = set()
    for node in _own_nodes(step):
        if isinstance(node, _DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return found


def _own_nodes(step: ast.AST) -> Iterator[ast.AST]:
    """A statement's nodes but those of scopes inside it, whose own node is given."""
    pending = [step]
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
            pending.extend(ast.iter_child_nodes(node))


def _free(node: ast.AST) -> set[str]:
    """Names that a node reads from the scope around it, at any time."""
    if isinstance(node, _FUNCTIONS):
        inside, outside = _parts_of_function(node)
        declared = {name for each in inside for n in _own_nodes(each) if isinstance(n, ast.Global) for name in n.names}
        local = {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
        local |= set().union(*(_bound(each) for each in inside))
        read = set().union(*(_free(each) for each in inside)) - (local - declared)
        return read | declared | set().union(*(_free(each) for each in outside))
    if isinstance(node, _COMPREHENSIONS):
        targets = set().union(*(_bound(part.target) for part in node.generators))
        return set().union(*(_free(child) for child in ast.iter_child_nodes(node))) - targets
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        return {node.target.id} | _free(node.value)
    return set().union(*(_free(child) for child in ast.iter_child_nodes(node)))


def _parts_of_function(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
) -> tuple[list[ast.AST], list[ast.AST]]:
    """The body of a function, and what is evaluated around it: decorators, defaults, annotations."""
    outside: list[ast.AST] = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
    outside += [each.annotation for each in ast.walk(node.args) if isinstance(each, ast.arg) and each.annotation]
    if isinstance(node, ast.Lambda):
        return [node.body], outside
    outside += [*node.decorator_list, *([node.returns] if node.returns else [])]
    return list(node.body), outside


def _by_text(step: ast.stmt) -> set[str]:
    """Names that appear as texts: `globals()["name"]`, annotations in quotes."""
    texts = (node.value for node in ast.walk(step) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if text.isidentifier()}


def _fills(step: ast.stmt, imported: set[str]) -> set[str]:
    """Names whose items or attributes a statement sets, or that it calls a method of, for its effect alone."""
    if isinstance(step, _DEFINITIONS):
        return set()
    found: set[str] = set()
    for node in _own_nodes(step):
        if isinstance(node, (ast.Subscript, ast.Attribute)) and not isinstance(node.ctx, ast.Load):
            found.add(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute):
                found |= {_root(called)} - imported
    return found - {""}


def _root(node: ast.AST) -> str:
    """The name that a chain of attributes, items and calls begins with."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
