"""Runs a Python candidate and its tests in two processes that exchange only values.

The init process of the sandbox is the tester. It forks the candidate's process before it reads the tests from the
host's pipe, so the tests are never in the candidate's memory. It then runs the tests, calls the candidate's functions
over a pair of pipes, and alone decides the verdict. Guaranteed: whatever the candidate does to its own process, to
modules, frames, descriptors or messages, it can only return values, and the tests judge those.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

from harness.execution.inside import candidate, child_process, sets, values, wire
from harness.execution.inside.messages import INPUT_FD
from harness.execution.inside.reporting import Trap, write_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import ByValueSecret, ProgramSpec
    from harness.execution.inside.supervisor import Writers

TESTS_FILE = "<tests>"
PRELUDE_FILE = "<prelude>"
RECURSION_LIMIT = 6000
FLUSH_SECONDS = 0.1
# Runs after which the interpreter has specialized the code (PEP 659)
WARM_UPS = 12


class CandidateExited(BaseException):
    """The candidate's process ended. Not an `Exception`, so that tests do not catch it."""


class ProtocolViolation(BaseException):
    """The candidate's process sent something that the protocol does not allow."""


def prepare() -> None:
    """Load what tester and candidate need, once for all programs."""
    candidate.prepare()
    for _ in range(WARM_UPS):
        _warm_up()


def run(spec: ProgramSpec, isolation: Isolation, writers: Writers) -> None:
    """Fork the candidate's process, read the tests, run them, report. Never returns."""
    try:
        requests, request_writer = os.pipe()
        replies, reply_writer = os.pipe()
        # Fork first: memory that this process writes to before the fork must be copied for both
        pid = os.fork()
        if pid == 0:
            candidate.run(spec, isolation, writers, (requests, reply_writer))
        os.close(requests)
        os.close(reply_writer)
        isolation.drop_set_up_rights()
        secret: ByValueSecret = marshal.loads(wire.receive(INPUT_FD))
        writers.send_event("secret_read")
        sys.setrecursionlimit(RECURSION_LIMIT)
        tester = Tester(request_writer, replies)
        verdict = tester.run_tests(secret)
        tester.shut_down()
        if verdict is not None:
            write_report(writers.report, secret["nonce"], verdict)
        else:
            writers.send_event(child_process.describe_exit(*os.wait4(pid, 0)[1:], spec))
    except (OSError, EOFError) as error:
        writers.send_event(f"fault {error}")
    finally:
        os._exit(0)


def _warm_up() -> None:
    """Run both sides once on a built-in program. The interpreter then specializes the code in memory that all programs
    share; otherwise each program would do so in its own copies of those pages.
    """
    requests, request_writer = os.pipe()
    replies, reply_writer = os.pipe()
    given = [1, "a", 2.5, None, {"b": (True, [])}]
    for message in (["names", ["same"]], ["call", "same", values.encode([[given], {}], _refuse)], ["bye"]):
        wire.send(request_writer, candidate.encode(message))
    candidate.serve("def same(value):\n    return value\n", {"__name__": "solution"}, requests, reply_writer)
    tests = compile(f"assert same({given!r}) == {given!r}", TESTS_FILE, "exec", dont_inherit=True)
    secret: ByValueSecret = {"nonce": "", "code": marshal.dumps((None, tests)), "names": ["same"]}
    Tester(request_writer, replies).run_tests(secret)
    for descriptor in (requests, request_writer, replies, reply_writer):
        os.close(descriptor)


class Tester:
    """Runs the tests, which call the candidate's functions in its own process."""

    def __init__(self, requests: int, replies: int) -> None:
        """`requests` and `replies` are the tester's ends of the two pipes."""
        self._requests, self._replies = requests, replies
        self._opaque: dict[int, values.Opaque] = {}
        self._candidate_error: tuple[str, str, str] | None = None
        # Stored, because tests may catch every exception and continue
        self._lost: CandidateExited | ProtocolViolation | None = None

    def run_tests(self, secret: ByValueSecret) -> tuple[str, str, str, str, int] | None:
        """Return ending, stage, error type, message and line; None if the candidate's process ended."""
        try:
            loaded = self._reply()
            if loaded[0] != "loaded":
                return self._load_error(loaded)
            prelude, tests = marshal.loads(secret["code"])
            space: dict[str, Any] = {"__name__": "tests", "__builtins__": __builtins__}
            if prelude is not None:
                exec(_code(prelude, PRELUDE_FILE), space)
            self._bind(secret["names"], space)
            trap = Trap()
            with trap:
                exec(_code(tests, TESTS_FILE), space)
        except CandidateExited:
            return None
        except (ProtocolViolation, MemoryError, RecursionError) as error:
            return "error", "call", "ProtocolError", str(error), 0
        return self._verdict(trap)

    def shut_down(self) -> None:
        """Let the candidate's process flush its output and end. Nothing it does now changes the verdict."""
        with Trap():
            self._request(["bye"])
            select.select([self._replies], [], [], FLUSH_SECONDS)

    def _verdict(self, trap: Trap) -> tuple[str, str, str, str, int] | None:
        error = trap.caught if self._lost is None else self._lost
        if error is None:
            return "passed", "call", "", "", 0
        if isinstance(error, CandidateExited):
            return None
        if isinstance(error, ProtocolViolation):
            return "error", "call", "ProtocolError", str(error), trap.line(TESTS_FILE)
        line = trap.line(TESTS_FILE)
        if self._candidate_error is not None and getattr(error, "_raised_by_candidate", False):
            ending, name, message = self._candidate_error
            return ending, "call", name, message, line
        if isinstance(error, values.NotData):
            # Not the candidate's fault: this sample's tests cannot run by value
            return "unsendable", "call", type(error).__name__, str(error), line
        ending = "failed" if isinstance(error, (AssertionError, values.Compared)) else "error"
        return ending, "call", type(error).__name__, str(error)[:300], line

    def _load_error(self, reply: list[Any]) -> tuple[str, str, str, str, int]:
        """The report on a candidate that did not load: `["raised", stage, names of the error's classes, message]`."""
        if len(reply) != 4 or reply[0] != "raised" or not isinstance(reply[2], list):
            raise ProtocolViolation("the candidate's process sent no valid reply to loading")
        name = str(reply[2][0]) if reply[2] else "Exception"
        ending = "exited" if name == "SystemExit" else "error"
        return ending, "compile" if reply[1] == "compile" else "load", name, str(reply[3])[:300], 0

    def _bind(self, names: list[str], space: dict[str, Any]) -> None:
        """Define the candidate's functions and values with these names for the tests."""
        self._request(["names", names])
        reply = self._reply()
        if reply[0] != "names" or len(reply) != 2 or not isinstance(reply[1], dict):
            raise ProtocolViolation("the candidate's process sent no valid reply to a request for names")
        for name in names:
            kind = reply[1].get(name)
            if kind == "function":
                space[name] = self._function(name)
            elif isinstance(kind, list) and len(kind) == 1:
                space[name] = self._value(kind[0])
            else:
                space.pop(name, None)

    def _function(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(name, list(arguments), named)

        call.__name__ = call.__qualname__ = name
        return call

    def _call(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        sent = values.encode([arguments, named], _refuse)
        self._request(["call", name, sent])
        reply = self._reply()
        if reply[0] == "raised" and len(reply) == 4 and isinstance(reply[2], list):
            self._raise([str(part) for part in reply[2][:50]], str(reply[3]))
        if reply[0] != "returned" or len(reply) != 3:
            raise self._remember(ProtocolViolation("the candidate's process sent no valid reply to a call"))
        if reply[2] is not None:
            after = self._value(reply[2])
            if isinstance(after, list) and len(after) == 2 and isinstance(after[0], list):
                for mine, theirs in zip(
                    [*arguments, *named.values()], [*after[0], *dict(after[1]).values()], strict=False
                ):
                    _update(mine, theirs)
        return self._value(reply[1])

    def _raise(self, classes: list[str], message: str) -> None:
        """Raise what the candidate raised, as the nearest built-in exception, which tests may expect."""
        import builtins

        name = classes[0] if classes else "Exception"
        kinds = (getattr(builtins, class_name, None) for class_name in classes)
        kind = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseException)), Exception)
        if kind in (StopIteration, StopAsyncIteration):
            # As generators do (PEP 479): it would end a map() of the tests early, and all() of nothing is true
            kind = RuntimeError
        if kind in (KeyboardInterrupt, SystemExit, GeneratorExit):
            self._candidate_error = "exited" if kind is SystemExit else "error", name, message[:300]
            raise _Stopped(name)
        self._candidate_error = "error", name, message[:300]
        try:
            error = kind(message[:2000])
        except TypeError:
            error = Exception(message[:2000])
        error._raised_by_candidate = True  # type: ignore[attr-defined]
        raise error

    def _value(self, written: Any) -> Any:
        if not isinstance(written, str):
            raise self._remember(ProtocolViolation("the candidate's process sent no value"))
        try:
            return values.decode(written, self._opaque_of)
        except ValueError as error:
            raise self._remember(ProtocolViolation(str(error))) from None

    def _opaque_of(self, number: int, kind: str) -> values.Opaque:
        return self._opaque.setdefault(number, values.Opaque(number, kind))

    def _request(self, message: list[Any]) -> None:
        try:
            wire.send(self._requests, candidate.encode(message))
        except BrokenPipeError:
            raise self._remember(CandidateExited()) from None

    def _reply(self) -> list[Any]:
        try:
            return candidate.decode(wire.receive(self._replies, 4 * values.MAX_BYTES))
        except EOFError:
            raise self._remember(CandidateExited()) from None
        except ValueError as error:
            raise self._remember(ProtocolViolation(str(error)[:200])) from None

    def _remember(self, error: CandidateExited | ProtocolViolation) -> CandidateExited | ProtocolViolation:
        self._lost = self._lost or error
        return error


class _Stopped(BaseException):
    """The candidate raised SystemExit or the like in a call. Not an `Exception`, so that tests do not catch it."""

    _raised_by_candidate = True


def _code(code: CodeType | str, file: str) -> CodeType:
    """Compile code that arrives as text: tests with set constants do."""
    return compile(code, file, "exec", dont_inherit=True) if isinstance(code, str) else code


def _refuse(value: object) -> list[Any]:
    raise values.NotData(f"the tests pass a {type(value).__name__}, which is not plain data")


def _update(mine: Any, theirs: Any) -> None:
    """Change an argument of the tests in place, as the candidate changed its copy."""
    if type(mine) is not type(theirs):
        return
    if type(mine) is list:
        for old, new in zip(mine, theirs, strict=False):
            _update(old, new)
        mine[:] = [old if _same(old, new) else new for old, new in zip(mine, theirs, strict=False)] + theirs[
            len(mine) :
        ]
    elif type(mine) is dict:
        for key, new in theirs.items():
            if key in mine:
                _update(mine[key], new)
        kept = {key: mine[key] if key in mine and _same(mine[key], new) else new for key, new in theirs.items()}
        mine.clear()
        mine.update(kept)
    elif type(mine) is set:
        if mine != theirs:
            mine.clear()
            sets.fill(mine, sets.plan(theirs) or (0, [], list(theirs)))
    elif type(mine) is bytearray:
        mine[:] = theirs


def _same(old: Any, new: Any) -> bool:
    """Whether the tests' own object may stay: it is a container that was updated in place, or an equal value."""
    return type(old) is type(new) and (type(old) in (list, dict, set, bytearray) or old == new)
