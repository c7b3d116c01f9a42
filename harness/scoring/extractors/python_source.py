"""What can be learned from Python source without running it: does it parse, what it defines, where in prose it is.

Every parse is bounded: a text too long for it, or nested too deep, counts as one that does not parse.
"""

from __future__ import annotations

import ast
import builtins
import functools
import re
import textwrap

from harness.execution import thread_safe_ast

# Longer texts are not parsed: the parser's time and depth are the model's to choose otherwise.
_LONGEST = 100_000
# Trees of longer texts are not kept until the next call.
_REMEMBERED = 10_000
# How many places in prose are tried as the start of code, and how often each is cut at its first error.
_MOST_STARTS = 40
_MOST_CUTS = 40

_START = re.compile(r"(?:async\s+def|def|class)\s+\w|import\s+\w|from\s+[\w.]+\s+import\b|@\w|\w+\s*=[^=]")
_STATEMENT = re.compile(
    r"^\s*(?:(?:async\s+def|def|class)\s+\w|import\s+\w|from\s+[\w.]+\s+import\b|return\b|\w+\s*[-+*/]?=[^=])",
    re.MULTILINE,
)


def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree, None where the code does not parse. Not to be changed: the next caller may get it too."""
    if len(code) <= _REMEMBERED:
        return _parsed_lately(code)
    return _parsed(code) if len(code) <= _LONGEST else None


@functools.lru_cache(maxsize=4)
def _parsed_lately(code: str) -> ast.Module | None:
    """As `parsed`; reading one answer asks for the same tree several times."""
    return _parsed(code)


def _parsed(code: str) -> ast.Module | None:
    try:
        return thread_safe_ast.parse(code)
    # ValueError: null bytes; the last two: nesting beyond the parser's own bounds
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defines(code: str, name: str) -> bool:
    """Tell whether the code binds `name` at its top level, by a look at its lines (it may not parse)."""
    name = re.escape(name)
    line = rf"^(?:(?:async[ \t]+def|def|class)[ \t]+{name}\b|{name}[ \t]*(?::[^=\n]*)?=)"
    return re.search(line, code, re.MULTILINE) is not None


def is_stub(code: str, name: str) -> bool:
    """Tell whether `name` is defined with a docstring, `pass` or `...` for a body: a signature repeated."""
    tree = parsed(code)
    bodies = [
        node.body
        for node in (tree.body if tree else [])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name
    ]
    return bool(bodies) and all(is_empty(statement) for body in bodies for statement in body)


@functools.lru_cache(maxsize=1024)
def called_names(tests: str) -> tuple[str, ...]:
    """Return the functions that tests call by name and do not define: what a candidate must bring."""
    tree = parsed(tests)
    if tree is None:
        return ()
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    own = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return tuple(sorted(called - own - set(dir(builtins))))


@functools.lru_cache(maxsize=1024)
def mentioned(tests: str) -> frozenset[str]:
    """Return the identifiers in a text."""
    return frozenset(re.findall(r"[A-Za-z_]\w*", tests))


def is_program(code: str) -> bool:
    """Tell whether the code parses, alone or as the body of a function, and does something."""
    tree = parsed(code)
    if tree is None and code[:1] in " \t":
        tree = parsed("def body():\n" + code)
    return tree is not None and any(
        not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call) for statement in tree.body
    )


def cut_out(text: str, names: tuple[str, ...]) -> str | None:
    """Return the largest part of `text` that parses, before all the largest that defines one of `names`.

    A part starts at a line that looks like code and ends where it no longer parses. Where nothing parses but
    something looks like code (cut in the middle, or simply wrong), the text itself is returned; else None.
    """
    text = textwrap.dedent(text) if text[:1] in " \t" and not is_program(text) else text
    if is_program(text):
        return text
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if _START.match(line)][:_MOST_STARTS]
    parts: list[tuple[bool, int, str]] = []
    done = 0
    for start in starts:
        # a start within the part just found can only give a piece of it
        if start >= done and (part := _longest_from(lines, start)):
            done = start + len(part)
            code = "\n".join(part).rstrip()
            filled = sum(1 for line in part if line.strip())
            parts.append((any(defines(code, name) for name in names), filled, code))
    if parts:
        return max(parts, key=lambda part: part[:2])[2]
    return text.strip("\n") if _STATEMENT.search(text) else None


def _longest_from(lines: list[str], start: int) -> list[str]:
    end = len(lines)
    for _ in range(_MOST_CUTS):
        if end <= start:
            break
        code = "\n".join(lines[start:end])
        if len(code) > _LONGEST:
            break
        try:
            thread_safe_ast.parse(code)
        except SyntaxError as error:
            # what stands before the line of the error may parse; what stands behind it cannot help
            end = min(end - 1, start + (error.lineno or 1) - 1)
        except (ValueError, RecursionError, MemoryError):
            break
        else:
            return lines[start:end]
    return []


def is_empty(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: `pass`, `...`, a docstring."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )
