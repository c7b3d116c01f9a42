"""Runs one Python candidate and its tests in the program's own process, and reports how they ended.

It is sent to the program as compiled code. Everything that it needs after the candidate has run is bound to local
names before, because the candidate may replace attributes of modules; the secret is kept as numbers, so that a search
for text does not find it. `languages/python.py` states what this does not protect against.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import Any

CANDIDATE_FILE = "<candidate>"
TESTS_FILE = "<tests>"
# Not a valid identifier, so no candidate shadows it by chance
GUARD = "compare guarded"
REPORT = 4
# Frames of the harness below the candidate's, so that its recursion limit is the default one
OWN_FRAMES = 8
THREAD_STACK_BYTES = 8 << 20

_PLAIN = frozenset({int, float, str, bytes, bool, complex, type(None)})
_METHODS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
# Values inspected in one comparison: enough for real tests, and a limit on the cost of a huge answer
_MOST_INSPECTED = 20_000


class _Trap:
    """A context manager that catches and stores any exception of its block."""

    def __init__(self) -> None:
        self.caught: BaseException | None = None
        self.traceback: TracebackType | None = None

    def __enter__(self) -> _Trap:
        return self

    def __exit__(self, kind: object, caught: BaseException | None, traceback: TracebackType | None) -> bool:
        self.caught, self.traceback = caught, traceback
        return True


def run(request: list[Any]) -> None:
    """Run a request: secret, whether it is a script, candidate's source, tests' code, names that the tests mention."""
    secret, script, source, tests, names = request
    request.clear()
    _prepare()
    report = _reporter(bytes(secret).decode())
    if script:
        _run_script(source, report)
    else:
        _run_tests(source, tests, frozenset(names), report)


def _run_tests(source: str, tests: CodeType, names: frozenset[str], report: Callable[[str, _Trap], None]) -> None:
    execute, compiled, settrace, setprofile, gettrace = (
        exec,
        compile,
        sys.settrace,
        sys.setprofile,
        sys.gettrace,
    )
    end_process, own_pid, current_pid, flush = os._exit, os.getpid(), os.getpid, sys.stdout.flush
    trap = _Trap
    module = type(sys)("solution")
    sys.modules["solution"] = module
    space = module.__dict__
    space["__builtins__"] = sys.modules["builtins"]
    # This module's built-ins are a copy, which a candidate does not get by `import builtins`
    pristine = dict(globals()["__builtins__"])
    pristine[GUARD] = _guard(space, names)
    code = None
    with trap() as load:
        code = compiled(source, CANDIDATE_FILE, "exec", dont_inherit=True)
    stage = "compile"
    call = load
    if code is not None:
        stage = "load"
        with trap() as load:
            execute(code, space)
        call = load
        settrace(None)
        setprofile(None)
        if load.caught is None:
            stage = "call"
            space["__builtins__"] = pristine
            with trap() as call:
                execute(tests, space)
    with trap():
        flush()
    # A fork of the program gets here too; only the original process may report
    if current_pid() == own_pid:
        if gettrace() is None:
            report(stage, call)
        end_process(0)
    end_process(1)


def _run_script(source: str, report: Callable[[str, _Trap], None]) -> None:
    """Run `source` as the main program to its normal end, including exit handlers and threads."""
    space = sys.modules["__main__"].__dict__
    builtins = space["__builtins__"]
    space.clear()
    space.update(__name__="__main__", __builtins__=builtins)
    trap = _Trap()
    code = None
    with trap:
        code = compile(source, CANDIDATE_FILE, "exec", dont_inherit=True)
    if code is None:
        report("compile", trap)
        sys.exit(1)
    with trap:
        exec(code, space)
    if isinstance(trap.caught, SystemExit):
        raise trap.caught
    if trap.caught is not None:
        report("call", trap)
        sys.exit(1)


def _prepare() -> None:
    """Give the program what `python file.py` would have: `exit`, the default recursion limit, small thread stacks."""
    import _sitebuiltins
    import _thread
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    sys.argv[:] = [CANDIDATE_FILE]
    # The standard library comes before the packages
    sys.path[:] = sorted(filter(None, sys.path), key=lambda folder: folder == os.environ.get("PYTHONPATH"))
    sys.setrecursionlimit(sys.getrecursionlimit() + OWN_FRAMES)
    # Threads take the stack limit as their stack size, so memory would allow only a few of them
    _thread.stack_size(THREAD_STACK_BYTES)


def _reporter(secret: str) -> Callable[[str, _Trap], None]:
    """Return the function that writes the report: six lines, see `harness.execution.language`."""
    write, trap = os.write, _Trap

    def report(stage: str, result: _Trap) -> None:
        ending, name, message, line = "passed", "", "", 0
        if result.caught is not None:
            ending, line = _ending(stage, result)
            with trap():
                name = "".join([type(result.caught).__name__])
                message = "".join([str(result.caught)[:300]])
        fields = (secret, ending, stage, name, message, str(line))
        data = "\n".join(field.replace("\r", " ").replace("\n", " ") for field in fields) + "\n"
        write(REPORT, data.encode("utf-8", "replace"))

    return report


def _ending(stage: str, result: _Trap) -> tuple[str, int]:
    """Return the ending that an exception means, and the line of the tests in which it was raised.

    A failed assertion of the tests is a wrong answer; one in the candidate's code is an error like any other.
    """
    if isinstance(result.caught, SystemExit):
        return "exited", 0
    line, candidate_later, step = 0, False, result.traceback
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if file == TESTS_FILE:
            line, candidate_later = step.tb_lineno, False
        elif file == CANDIDATE_FILE:
            candidate_later = True
        step = step.tb_next
    wrong = stage == "call" and isinstance(result.caught, AssertionError) and not candidate_later
    return ("failed" if wrong else "error"), line


def _guard(space: dict[str, object], names: frozenset[str]) -> Callable[[str, object, object], object]:
    """Return the function that replaces the comparisons of the tests.

    A class of the candidate with its own comparison methods does not decide a comparison with a value of another
    class, unless the prelude or the tests name that class: then the task is about it.
    """
    import _operator as operator

    operators = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
    kind_of, function = type, type(_guard)
    slot = type(object.__eq__)

    def own_comparison(cls: type) -> bool:
        for base in kind_of.mro(cls) if cls is not kind_of else ():
            for method in _METHODS:
                defined = kind_of.__getattribute__(base, "__dict__").get(method)
                if defined is None or kind_of(defined) is slot:
                    continue
                if kind_of(defined) is not function or defined.__code__.co_filename == CANDIDATE_FILE:
                    return base is not space.get(base.__name__) or base.__name__ not in names
        return False

    def foreign(value: object) -> set[type]:
        """The candidate's classes inside `value` whose own methods would decide a comparison."""
        classes: set[type] = set()
        seen: set[int] = set()
        pending: list[Any] = [value]
        while pending and len(seen) < _MOST_INSPECTED:
            item = pending.pop()
            cls = kind_of(item)
            if cls in _PLAIN or id(item) in seen:
                continue
            seen.add(id(item))
            if own_comparison(cls):
                classes.add(cls)
            # Only the built-in containers themselves: a subclass may hide or invent elements
            if cls is list or cls is tuple or cls is set or cls is frozenset:
                pending += item
            elif cls is dict:
                pending += item
                pending += item.values()
        return classes

    def compare(name: str, left: object, right: object) -> object:
        if kind_of(left) not in _PLAIN or kind_of(right) not in _PLAIN:
            alien = foreign(left) ^ foreign(right)
            if alien:
                return name == "ne"
        return operators[name](left, right)

    return compare
