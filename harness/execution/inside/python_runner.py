"""Runs one Python candidate and its tests, in the program's own process, and reports how far they came.

It is shipped to the program as compiled code. Everything that it will need after the candidate has run is
taken into local names before, because the candidate may replace what modules hold; the secret is kept as
numbers, out of reach for a search for text. What this cannot withstand stands in `languages/python.py`.
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
# No program can spell this name, so no candidate shadows it by chance.
GUARD = "compare guarded"
REPORT = 4
# Frames of ours below the candidate's: its recursion limit is to be the usual one.
OWN_FRAMES = 8
THREAD_STACK_BYTES = 8 << 20

_PLAIN = frozenset({int, float, str, bytes, bool, complex, type(None)})
_METHODS = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
# Values looked at in one comparison: enough for every real test, and a bound on what a huge answer costs.
_LOOKED_AT = 20_000


class _Trap:
    """Remembers what its block raised, and lets the program go on."""

    def __init__(self) -> None:
        self.caught: BaseException | None = None
        self.traceback: TracebackType | None = None

    def __enter__(self) -> _Trap:
        return self

    def __exit__(self, kind: object, caught: BaseException | None, traceback: TracebackType | None) -> bool:
        self.caught, self.traceback = caught, traceback
        return True


def run(order: list[Any]) -> None:
    """Run `order`: secret, as a script or not, candidate's source, tests' code, their names."""
    secret, script, source, tests, names = order
    order.clear()
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
    leave, own_process, process, flush = os._exit, os.getpid(), os.getpid, sys.stdout.flush
    trap = _Trap
    module = type(sys)("solution")
    sys.modules["solution"] = module
    space = module.__dict__
    space["__builtins__"] = sys.modules["builtins"]
    # This module's own built-ins are a copy that no candidate can reach by `import builtins`.
    pristine = dict(globals()["__builtins__"])
    pristine[GUARD] = _guard(space, names)
    code = None
    with trap() as load:
        code = compiled(source, CANDIDATE_FILE, "exec", dont_inherit=True)
    place = "compile"
    call = load
    if code is not None:
        place = "load"
        with trap() as load:
            execute(code, space)
        call = load
        settrace(None)
        setprofile(None)
        if load.caught is None:
            place = "call"
            space["__builtins__"] = pristine
            with trap() as call:
                execute(tests, space)
    with trap():
        flush()
    # A fork of the program comes here as well; only the original may speak.
    if process() == own_process:
        if gettrace() is None:
            report(place, call)
        leave(0)
    leave(1)


def _run_script(source: str, report: Callable[[str, _Trap], None]) -> None:
    """Run `source` as the main program, to its ordinary end: exit handlers, threads and all."""
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
    """Give the program what `python file.py` would have: `exit`, its own recursion depth, small thread
    stacks.
    """
    import _sitebuiltins
    import _thread
    import builtins

    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D")
    sys.argv[:] = [CANDIDATE_FILE]
    # The standard library first, whatever the packages bring along
    sys.path[:] = sorted(filter(None, sys.path), key=lambda folder: folder == os.environ.get("PYTHONPATH"))
    sys.setrecursionlimit(sys.getrecursionlimit() + OWN_FRAMES)
    # Threads take the stack limit as their size, and there would be no room for many.
    _thread.stack_size(THREAD_STACK_BYTES)


def _reporter(secret: str) -> Callable[[str, _Trap], None]:
    """Return the function that writes the report: six lines, see `harness.execution.language`."""
    write, trap = os.write, _Trap

    def report(place: str, result: _Trap) -> None:
        ending, name, message, line = "passed", "", "", 0
        if result.caught is not None:
            ending, line = _ending(place, result)
            with trap():
                name = "".join([type(result.caught).__name__])
                message = "".join([str(result.caught)[:300]])
        fields = (secret, ending, place, name, message, str(line))
        data = "\n".join(field.replace("\r", " ").replace("\n", " ") for field in fields) + "\n"
        write(REPORT, data.encode("utf-8", "replace"))

    return report


def _ending(place: str, result: _Trap) -> tuple[str, int]:
    """Say what an exception means, and in which line of the tests it came up.

    A failed assertion of the tests is a wrong answer; one of the candidate's own is an error like any other.
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
    wrong = place == "call" and isinstance(result.caught, AssertionError) and not candidate_later
    return ("failed" if wrong else "error"), line


def _guard(space: dict[str, object], names: frozenset[str]) -> Callable[[str, object, object], object]:
    """Return the comparison that tests use.

    A class made by the candidate, with comparison methods of its own, decides nothing against a value of
    another class, unless prelude or tests name it: then the task is about that class and the comparison is
    its business.
    """
    import _operator as operator

    operators = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}
    kind_of, function = type, type(_guard)
    slot = type(object.__eq__)

    def own_comparison(cls: type) -> bool:
        for base in kind_of.mro(cls) if cls is not kind_of else ():
            for method in _METHODS:
                found = kind_of.__getattribute__(base, "__dict__").get(method)
                if found is None or kind_of(found) is slot:
                    continue
                if kind_of(found) is not function or found.__code__.co_filename == CANDIDATE_FILE:
                    return base is not space.get(base.__name__) or base.__name__ not in names
        return False

    def foreign(value: object) -> set[type]:
        """The classes within `value` that would decide for themselves."""
        found: set[type] = set()
        seen: set[int] = set()
        pending: list[Any] = [value]
        while pending and len(seen) < _LOOKED_AT:
            item = pending.pop()
            cls = kind_of(item)
            if cls in _PLAIN or id(item) in seen:
                continue
            seen.add(id(item))
            if own_comparison(cls):
                found.add(cls)
            # Only the built-in containers themselves: a subclass may hide or invent what it holds.
            if cls is list or cls is tuple or cls is set or cls is frozenset:
                pending += item
            elif cls is dict:
                pending += item
                pending += item.values()
        return found

    def compare(name: str, left: object, right: object) -> object:
        if kind_of(left) not in _PLAIN or kind_of(right) not in _PLAIN:
            alien = foreign(left) ^ foreign(right)
            if alien:
                return name == "ne"
        return operators[name](left, right)

    return compare
