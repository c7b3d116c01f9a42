"""Filling a template with bounded time and memory, whatever it computes.

A plain template is filled here. Any other one (loops over `range`, products, calls) is filled in a child process that
the kernel bounds: processor time for each template, memory for the whole, so that one C call cannot outlive them.
The child gets the columns that the template reads (pickled here) and answers in JSON; it ends when this process does.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

from harness.prompts.environment import NullValueError, planned

# An honest template takes milliseconds
PROCESSOR_SECONDS = 4
# For a machine that is so busy that the child gets hardly any time
WALL_SECONDS = 120.0
# For the exit status of a child that closed its output
EXIT_SECONDS = 5.0
MEMORY_BYTES = 1 << 30
MOST_CHARS = 1 << 26
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
