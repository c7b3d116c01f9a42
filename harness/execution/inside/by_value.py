"""A Python candidate and its tests in two processes that exchange values only.

The first process of the world is the tester. It splits the candidate off before it takes the tests from the host's
pipe, so they are never in the candidate's memory; it calls the candidate's functions over a pair of pipes, and its
own word alone is the verdict. Guaranteed: whatever the candidate does to its own process, to modules, to frames, to
descriptors or to what it sends, it can only give values, and the tests judge them.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

from harness.execution.inside import candidate, program, sets, values, wire
from harness.execution.inside.order import INPUT
from harness.execution.inside.reporting import Trap, write_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from harness.execution.inside.order import Order, Trial
    from harness.execution.inside.place import Place
    from harness.execution.inside.supervise import Ends

TESTS_FILE = "<tests>"
PRELUDE_FILE = "<prelude>"
RECURSION = 6000
FAREWELL_SECONDS = 0.1
# As often as the interpreter wants to see code before it settles on how to run it
REHEARSALS = 12


class Gone(BaseException):
    """The candidate's process ended; not an Exception, so that no test catches it."""


class Broken(BaseException):
    """The candidate's process sent something that its side of the protocol never sends."""


def prepare() -> None:
    """Load what tester and candidate need, once for all programs."""
    candidate.prepare()
    for _ in range(REHEARSALS):
        _rehearse()


def run(order: Order, place: Place, ends: Ends) -> None:
    """Split the candidate off, take the tests, judge. Never returns."""
    try:
        asks, asked = os.pipe()
        replies, replied = os.pipe()
        # At once: what this process has written to by then both must copy
        pid = os.fork()
        if pid == 0:
            candidate.become(order, place, ends, (asks, replied))
        os.close(asks)
        os.close(replied)
        place.guard()
        trial: Trial = marshal.loads(wire.receive(INPUT))
        ends.tell("got")
        sys.setrecursionlimit(RECURSION)
        tester = Tester(pid, asked, replies)
        verdict = tester.judge(trial)
        tester.dismiss()
        if verdict is not None:
            write_report(ends.report, trial["nonce"], verdict)
        else:
            ends.tell(program.ending(*os.wait4(pid, 0)[1:], order))
    except (OSError, EOFError) as error:
        ends.tell(f"broken {error}")
    finally:
        os._exit(0)


def _rehearse() -> None:
    """Play both sides on a program of ours. What the interpreter then remembers of the code lies in memory that all
    programs share, where each would write it down into copies of its own.
    """
    asks, asked = os.pipe()
    replies, replied = os.pipe()
    given = [1, "a", 2.5, None, {"b": (True, [])}]
    for message in (["names", ["same"]], ["call", "same", values.text([[given], {}], _refuse)], ["bye"]):
        wire.send(asked, candidate.written(message))
    candidate.serve("def same(value):\n    return value\n", {"__name__": "solution"}, asks, replied)
    tests = compile(f"assert same({given!r}) == {given!r}", TESTS_FILE, "exec", dont_inherit=True)
    Tester(os.getpid(), asked, replies).judge({"nonce": "", "code": marshal.dumps((None, tests)), "names": ["same"]})
    for descriptor in (asks, asked, replies, replied):
        os.close(descriptor)


class Tester:
    """Calls the candidate and runs the tests."""

    def __init__(self, pid: int, asks: int, replies: int) -> None:
        """`asks` and `replies` are our ends of the two pipes."""
        self._pid, self._asks, self._replies = pid, asks, replies
        self._opaque: dict[int, values.Opaque] = {}
        self._blame: tuple[str, str, str] | None = None
        # Remembered, because tests may catch everything and go on
        self._lost: Gone | Broken | None = None

    def judge(self, trial: Trial) -> tuple[str, str, str, str, int] | None:
        """Return ending, place, error type, message and line; None when the candidate's process ended."""
        try:
            loaded = self._reply()
            if loaded[0] != "loaded":
                return self._raised_at(loaded)
            prelude, tests = marshal.loads(trial["code"])
            space: dict[str, Any] = {"__name__": "tests", "__builtins__": __builtins__}
            if prelude is not None:
                exec(_code(prelude, PRELUDE_FILE), space)
            self._lend(trial["names"], space)
            trap = Trap()
            with trap:
                exec(_code(tests, TESTS_FILE), space)
        except Gone:
            return None
        except (Broken, MemoryError, RecursionError) as broken:
            return "error", "call", "ProtocolError", str(broken), 0
        return self._verdict(trap)

    def dismiss(self) -> None:
        """Let the candidate write out what it printed; it has nothing more to say that counts."""
        with Trap():
            self._ask(["bye"])
            select.select([self._replies], [], [], FAREWELL_SECONDS)

    def _verdict(self, trap: Trap) -> tuple[str, str, str, str, int] | None:
        error = trap.caught if self._lost is None else self._lost
        if error is None:
            return "passed", "call", "", "", 0
        if isinstance(error, Gone):
            return None
        if isinstance(error, Broken):
            return "error", "call", "ProtocolError", str(error), trap.line(TESTS_FILE)
        line = trap.line(TESTS_FILE)
        if self._blame is not None and getattr(error, "_raised_by_candidate", False):
            ending, name, message = self._blame
            return ending, "call", name, message, line
        if isinstance(error, values.NoData):
            # No property of the candidate: this sample's tests cannot be run by value
            return "unsendable", "call", type(error).__name__, str(error), line
        ending = "failed" if isinstance(error, (AssertionError, values.Compared)) else "error"
        return ending, "call", type(error).__name__, str(error)[:300], line

    def _raised_at(self, reply: list[Any]) -> tuple[str, str, str, str, int]:
        """The candidate did not load: `["raised", place, names of its classes, message]`."""
        if len(reply) != 4 or reply[0] != "raised" or not isinstance(reply[2], list):
            raise Broken("it sent no answer to loading")
        name = str(reply[2][0]) if reply[2] else "Exception"
        ending = "exited" if name == "SystemExit" else "error"
        return ending, "compile" if reply[1] == "compile" else "load", name, str(reply[3])[:300], 0

    def _lend(self, names: list[str], space: dict[str, Any]) -> None:
        """Put the candidate's functions and values of these names within the tests' reach."""
        self._ask(["names", names])
        found = self._reply()
        if found[0] != "names" or len(found) != 2 or not isinstance(found[1], dict):
            raise Broken("it sent no names")
        for name in names:
            what = found[1].get(name)
            if what == "function":
                space[name] = self._function(name)
            elif isinstance(what, list) and len(what) == 1:
                space[name] = self._value(what[0])
            else:
                space.pop(name, None)

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(name, list(arguments), named)

        call.__name__ = call.__qualname__ = name
        return call

    def _call(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        sent = values.text([arguments, named], _refuse)
        self._ask(["call", name, sent])
        reply = self._reply()
        if reply[0] == "raised" and len(reply) == 4 and isinstance(reply[2], list):
            self._raise([str(part) for part in reply[2][:50]], str(reply[3]))
        if reply[0] != "returned" or len(reply) != 3:
            raise self._losing(Broken("it sent no answer to a call"))
        if reply[2] is not None:
            after = self._value(reply[2])
            if isinstance(after, list) and len(after) == 2 and isinstance(after[0], list):
                for mine, theirs in zip(
                    [*arguments, *named.values()], [*after[0], *dict(after[1]).values()], strict=False
                ):
                    _follow(mine, theirs)
        return self._value(reply[1])

    def _raise(self, classes: list[str], message: str) -> None:
        """Raise what the candidate raised: the nearest built-in exception, which tests may expect."""
        import builtins

        name = classes[0] if classes else "Exception"
        kinds = (getattr(builtins, found, None) for found in classes)
        kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseException)), Exception)
        if kind in (StopIteration, StopAsyncIteration):
            # As out of a generator (PEP 479): it would end a map() of the tests early, and all() is true of nothing
            kind = RuntimeError
        if kind in (KeyboardInterrupt, SystemExit, GeneratorExit):
            self._blame = "exited" if kind is SystemExit else "error", name, message[:300]
            raise _Stopped(name)
        self._blame = "error", name, message[:300]
        try:
            error = kind(message[:2000])
        except TypeError:
            error = Exception(message[:2000])
        error._raised_by_candidate = True  # type: ignore[attr-defined]
        raise error

    def _value(self, written: Any) -> Any:
        if not isinstance(written, str):
            raise self._losing(Broken("it sent no value"))
        try:
            return values.value(written, self._opaque_of)
        except ValueError as error:
            raise self._losing(Broken(str(error))) from None

    def _opaque_of(self, number: int, kind: str) -> values.Opaque:
        return self._opaque.setdefault(number, values.Opaque(number, kind))

    def _ask(self, message: list[Any]) -> None:
        try:
            wire.send(self._asks, candidate.written(message))
        except BrokenPipeError:
            raise self._losing(Gone()) from None

    def _reply(self) -> list[Any]:
        try:
            return candidate.read(wire.receive(self._replies, 4 * values.MOST_BYTES))
        except EOFError:
            raise self._losing(Gone()) from None
        except ValueError as error:
            raise self._losing(Broken(str(error)[:200])) from None

    def _losing(self, why: Gone | Broken) -> Gone | Broken:
        self._lost = self._lost or why
        return why


class _Stopped(BaseException):
    """The candidate asked its process to end during a call; no test catches that."""

    _raised_by_candidate = True


def _code(code: CodeType | str, file: str) -> CodeType:
    """Tests that hold sets come as text."""
    return compile(code, file, "exec", dont_inherit=True) if isinstance(code, str) else code


def _refuse(value: object) -> list[Any]:
    raise values.NoData(f"the tests hand over a {type(value).__name__}, which is no data")


def _follow(mine: Any, theirs: Any) -> None:
    """Change an argument of the tests in place as the candidate changed its copy."""
    if type(mine) is not type(theirs):
        return
    if type(mine) is list:
        for old, new in zip(mine, theirs, strict=False):
            _follow(old, new)
        mine[:] = [old if _same(old, new) else new for old, new in zip(mine, theirs, strict=False)] + theirs[
            len(mine) :
        ]
    elif type(mine) is dict:
        for key, new in theirs.items():
            if key in mine:
                _follow(mine[key], new)
        kept = {key: mine[key] if key in mine and _same(mine[key], new) else new for key, new in theirs.items()}
        mine.clear()
        mine.update(kept)
    elif type(mine) is set:
        if mine != theirs:
            mine.clear()
            sets.fill(mine, sets.filling(theirs) or (0, [], list(theirs)))
    elif type(mine) is bytearray:
        mine[:] = theirs


def _same(old: Any, new: Any) -> bool:
    """Whether the tests' own object may stay: it is a container that has followed, or an equal one."""
    return type(old) is type(new) and (type(old) in (list, dict, set, bytearray) or old == new)
