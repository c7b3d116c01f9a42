"""Filling a Jinja2 template with bounded time and memory, whatever it computes.

Strict (what is not there is an error), sandboxed (pages may be untrusted), and nothing is computed when a
template is compiled: Jinja folds constants, and `'x' * 10**10` is one.

A template that is one `{{ name }}` of a text is that text, however long. A plain template's cost is bounded by its own
length times its row's, and it is filled in this process. Any other one (loops over `range`, products, calls) is filled
in a child process that the kernel bounds: processor time for each template, memory for the whole, so that one C call
cannot outlive them. The child gets the columns that the template reads (pickled here) and answers in JSON; it ends when
this process does.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Their results are at most a few times as long as what goes in
PLAIN_FILTERS = frozenset(
    (
        *("abs", "after", "capitalize", "count", "d", "default", "first", "float", "int", "last", "length", "list"),
        *("lower", "reverse", "sort", "string", "striptags", "title", "tojson", "trim", "unique", "upper", "wordcount"),
    )
)
PLAIN_METHODS = frozenset(
    (
        *("count", "endswith", "find", "get", "index", "isdigit", "items", "keys", "lower", "lstrip", "removeprefix"),
        *("removesuffix", "rstrip", "split", "splitlines", "startswith", "strip", "title", "upper", "values"),
    )
)
PLAIN_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Slice),
    *(nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Concat, nodes.CondExpr),
    *(nodes.If, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Test, nodes.Filter, nodes.Call),
    *(nodes.Add, nodes.Sub, nodes.Neg, nodes.For),
)
LONGEST_SEPARATOR = 16
# Characters that a plain template may touch: a second's work at the very most
MOST_WORK = 100_000_000
# An honest template takes milliseconds
PROCESSOR_SECONDS = 4
# For a machine that is so busy that the child gets hardly any time
WALL_SECONDS = 120.0
# For the exit status of a child that closed its output
EXIT_SECONDS = 5.0
MEMORY_BYTES = 1 << 30
MOST_CHARS = 1 << 26
_BARE = re.compile(r"\{\{ *([A-Za-z_][A-Za-z_0-9]*) *\}\}")
_HEAD = struct.Struct("<Q")
_BOOT = "import sys; sys.path.append(sys.argv[1]); from harness.prompts.bounded import serve; serve()"
# What Jinja and the methods of plain values raise
RENDER_ERRORS = (
    *(TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError),
    ValueError,
)
# Exit codes of the child: an error that it does not handle (Python's own), and too little memory for a row
FAILED_EXIT, MEMORY_EXIT = 1, 2
TOO_DEAR = (
    f"it needs more than {PROCESSOR_SECONDS} s of processor time, {MEMORY_BYTES >> 20} MiB of memory or "
    f"{MOST_CHARS >> 20} Mi characters; simplify it, or let the page's Python file prepare the row"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a template was not filled."""

    kind: Literal["syntax", "undefined", "null", "failed", "unreadable"]
    message: str = ""


def fill(template: str, variables: Mapping[str, Any]) -> str | Fault:
    """Return the text, or why there is none. Never raises for what a template does."""
    if (fault := syntax_fault(template)) is not None:
        return fault
    if type(text := bare_value(template, variables)) is str:
        return text
    plan = planned(template)
    if plan.cheap(variables):
        return _filled(template, variables)
    try:
        given = pickle.dumps((template, {name: variables[name] for name in plan.names if name in variables}))
    except (pickle.PicklingError, TypeError, AttributeError, RecursionError):
        given = None
    answer = _child().fill(given) if given else Fault("unreadable")
    if isinstance(answer, Fault) and answer.kind == "unreadable":
        # Objects that only the page's own Python file can have made, and that runs in this process as it is
        return _filled(template, variables)
    return answer


def bare_value(template: str, variables: Mapping[str, Any]) -> Any:
    """Return the variable of a template that is one `{{ name }}`; None for any other, and where it is not there."""
    found = _BARE.fullmatch(template)
    if found is None or found.group(1) not in planned(template).names or found.group(1) == "self":
        # A constant such as `true`, or Jinja's own `self`
        return None
    return variables.get(found.group(1))


def syntax_fault(template: str) -> Fault | None:
    """What keeps a template from being compiled, None if nothing does."""
    try:
        planned(template)
    except TemplateSyntaxError as error:
        return Fault("syntax", str(error.message))
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        return Fault("syntax", f"it is too long or nested too deep ({type(error).__name__})")
    return None


def _filled(template: str, variables: Mapping[str, Any]) -> str | Fault:
    try:
        return str(planned(template).template.render(variables))
    except NullValueError:
        return Fault("null")
    except UndefinedError as error:
        return Fault("undefined", str(error)[:200])
    except (MemoryError, RecursionError):
        return Fault("failed", TOO_DEAR)
    except RENDER_ERRORS as error:
        return Fault("failed", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


# --- the environment, and which templates are plain -------------------------------------------------


class NullValueError(ValueError):
    """A template printed a null."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled template: what it reads, and how its cost grows.

    `plain`: may run here while `nodes` * (the row's length) ** (`depth` + 1) is small; `depth` counts loops in loops.
    """

    template: Any
    names: frozenset[str]
    plain: bool
    nodes: int
    depth: int

    def cheap(self, variables: Mapping[str, Any]) -> bool:
        """Whether filling the template with these values is little work."""
        if not self.plain:
            return False
        most = int((MOST_WORK / self.nodes) ** (1 / (self.depth + 1)))
        return _length((variables[name] for name in self.names if name in variables), most) <= most


def after(value: Any, mark: str) -> str:
    """Return what follows the last mark, stripped; in a page it is a filter."""
    whole = str(value)
    if mark not in whole:
        raise ValueError(f"{mark!r} is not in {whole[:60]!r}")
    return whole.rpartition(mark)[2].strip()


@cache
def planned(template: str) -> Plan:
    """Parse and compile. Raises what Jinja raises, and RecursionError or MemoryError for what is nested too deep."""
    environment = _environment()
    tree = environment.parse(template)
    every = list(tree.find_all(nodes.Node))
    return Plan(
        template=environment.from_string(template),
        # Jinja's own `meta` would compute constants to find them
        names=frozenset(node.name for node in tree.find_all(nodes.Name)),
        plain=all(_plain(node) for node in every),
        nodes=len(every) + 1,
        depth=_loops(tree),
    )


@pass_context
def _refuse_null(context: Any, value: Any) -> Any:
    """A null in a row is not the text "None"; a page that allows it sets what to print instead."""
    if value is None:
        raise NullValueError
    return value


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        # A `finalize` that takes the context, and no optimizer: nothing is computed at compile time
        undefined=StrictUndefined,
        finalize=_refuse_null,
        optimized=False,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["after"] = after
    return environment


def _plain(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call):
        return isinstance(node.node, nodes.Getattr) and node.node.attr in PLAIN_METHODS
    if isinstance(node, nodes.Filter):
        return _plain_filter(node)
    if isinstance(node, nodes.For):
        return not node.recursive
    return type(node) in PLAIN_NODES or isinstance(node, nodes.EvalContext | nodes.Helper)


def _plain_filter(node: nodes.Filter) -> bool:
    if node.name in PLAIN_FILTERS:
        return True
    given = [argument.value if isinstance(argument, nodes.Const) else None for argument in node.args]
    if node.kwargs or not all(isinstance(value, str) for value in given):
        return False
    if node.name == "join":
        return all(len(value) <= LONGEST_SEPARATOR for value in given if value is not None)
    if node.name == "replace" and len(given) == 2:
        old, new = given
        return bool(old) and new is not None and len(new) <= len(old or "")
    return False


def _loops(node: nodes.Node) -> int:
    inner = max((_loops(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def _length(values: Iterable[Any], most: int) -> int:
    """About as many characters as the values print; counting stops above `most`."""
    total = 0
    waiting = list(values)
    while waiting and total <= most:
        value = waiting.pop()
        if isinstance(value, str | bytes):
            total += len(value)
        elif isinstance(value, Mapping):
            total += 4 * len(value)
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset):
            total += 4 * len(value)
            waiting += value
        else:
            total += 24
    return total


# --- the child process ---------------------------------------------------------------------------


class _Child:
    """The process, started at the first template that needs it, and started again after one that ended it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def fill(self, given: bytes) -> str | Fault:
        with self._turn:
            try:
                answer = self._exchange(given)
            except OSError as error:
                self._end()
                return Fault("failed", f"no process could be started for it: {error}")
            if answer is None:
                return Fault("failed", self._cause_of_end())
        filled = json.loads(answer)
        return str(filled["text"]) if "text" in filled else Fault(filled["kind"], filled["message"])

    def _cause_of_end(self) -> str:
        """End the child that did not answer, and return why: a limit, or an error that it does not handle."""
        process = self._process
        with suppress(subprocess.TimeoutExpired):
            # Its output is closed just before it ends
            if process is not None and process.wait(EXIT_SECONDS) == FAILED_EXIT:
                self._end()
                return "the process that fills templates failed; please report it with the template and the row"
        self._end()
        return TOO_DEAR

    def _exchange(self, given: bytes) -> bytes | None:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._started()
        assert process.stdin is not None and process.stdout is not None
        deadline = time.monotonic() + WALL_SECONDS
        with suppress(BrokenPipeError):
            process.stdin.write(_HEAD.pack(len(given)) + given)
            process.stdin.flush()
        head = _read(process.stdout.fileno(), _HEAD.size, deadline)
        return None if head is None else _read(process.stdout.fileno(), _HEAD.unpack(head)[0], deadline)

    def _started(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parents[2])
        kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
        return subprocess.Popen(
            # -P: a file in the user's folder must not be taken for a module of ours
            [sys.executable, "-P", "-c", _BOOT, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
            start_new_session=True,
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError, ValueError):
                process.communicate()


@cache
def _child() -> _Child:
    return _Child()


def _read(descriptor: int, count: int, deadline: float) -> bytes | None:
    """Read exactly `count` bytes; None if they do not come, or not by the deadline."""
    parts: list[bytes] = []
    while count:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(descriptor, min(count, 1 << 20)) if ready else b""
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def serve() -> None:
    """In the child: fill one template after the other until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    requests = sys.stdin.buffer
    # Compiled once, so that what Jinja imports late is here before memory is bounded
    _filled("{{ 1 }}", {})
    _bound_memory()
    try:
        while head := requests.read(_HEAD.size):
            _alarm(PROCESSOR_SECONDS)
            answer = _answer(requests.read(_HEAD.unpack(head)[0]))
            _alarm(0)
            answers.write(_HEAD.pack(len(answer)) + answer)
            answers.flush()
    except MemoryError:
        os._exit(MEMORY_EXIT)


def _answer(given: bytes) -> bytes:
    try:
        template, variables = pickle.loads(given)
    except (ImportError, AttributeError, pickle.UnpicklingError, TypeError, ValueError):
        filled: str | Fault = Fault("unreadable")
    else:
        filled = syntax_fault(template) or _filled(template, variables)
    if isinstance(filled, str) and len(filled) > MOST_CHARS:
        filled = Fault("failed", TOO_DEAR)
    reply = {"kind": filled.kind, "message": filled.message} if isinstance(filled, Fault) else {"text": filled}
    return json.dumps(reply).encode()


def _bound_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _alarm(seconds: int) -> None:
    """End this process after so much processor time, even inside one call into C; 0 lifts it."""
    with suppress(ImportError, AttributeError):
        import signal

        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
