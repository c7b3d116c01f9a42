"""The host's end of a launcher: a pool of zygotes, each a fresh process that starts one program after another.

Guaranteed: a zygote is a newly exec'ed interpreter with an empty environment, closed descriptors and none of the
host's memory, so threads of the host (torch, tokenizers) cannot harm it and nothing leaks into it; the host waits no
longer than a hard deadline for an answer, whatever the zygote does, and replaces a zygote that failed it; `close` and
the host's own death, of whatever kind, end every zygote. How a zygote isolates programs is its own affair
(`inside/`).
"""

from __future__ import annotations

import marshal
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import SandboxError
from harness.execution import packages
from harness.execution.base import Limits
from harness.execution.inside.order import Commands, Hello, Order, Trial
from harness.execution.language import ByValue, Outcome, Program
from harness.execution.verdicts import OUTPUT_KEPT

# Beyond the program's own limits: starting and clearing away on a heavily loaded machine.
HARD_DEADLINE_EXTRA = 30.0
# What a zygote gets to clear away after it is asked to end.
LEAVE_SECONDS = 5.0

# The zygote must not run `harness/__init__`, which knows the whole library: bare packages stand in for it.
_BOOT = """
import sys
for name, folder in (("", ""), (".execution", "/execution"), (".execution.inside", "/execution/inside")):
    package = type(sys)("harness" + name)
    package.__path__ = [sys.argv[1] + folder]
    sys.modules["harness" + name] = package
__import__(sys.argv[2])
sys.modules[sys.argv[2]].main()
"""
# The same string hashes each time: a verdict repeats
_INTERPRETER_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LD_BIND_NOW": "1"}
PROGRAM_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}


# From a zygote's own command, the folders that its programs may read and the packages that they may import to the
# command that starts it
Wrap = Callable[[tuple[str, ...], tuple[str, ...], tuple[str, ...]], tuple[str, ...]]
# What a zygote was made for: folders and packages
_Kind = tuple[tuple[str, ...], tuple[str, ...]]


class Lost(Exception):
    """A zygote did not answer; the message says what is known."""


class Zygotes:
    """A `Launcher` whose programs are started by zygotes of `module` (in `harness.execution.inside`)."""

    def __init__(self, module: str, wrap: Wrap | None = None, *, links: bool = False) -> None:
        """`module` has a `main()` that serves; `wrap` makes a zygote's command from it and what it may read; `links`:
        it can show packages nowhere but where they lie, and needs a folder with links to them.
        """
        self._command = _interpreter_command(f"harness.execution.inside.{module}")
        self._wrap, self._links = wrap, links
        self._lock = threading.Lock()
        self._idle: dict[_Kind, list[_Zygote]] = {}
        self._living: set[_Zygote] = set()
        self._closed = False

    def launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        """Run one program. Raises SandboxError after `close`."""
        try:
            zygote = self._take((program.readable, program.packages))
        except (OSError, Lost) as error:
            return Outcome("infra", message=str(error))
        order, secret = _order(program, limits), _secret(program)
        builds = len(program.build) if isinstance(program, Program) else 0
        most = limits.most_walls * (limits.wall_seconds + builds * limits.build_seconds) + HARD_DEADLINE_EXTRA
        try:
            answer = zygote.ask((marshal.dumps(dict(order)), marshal.dumps(dict(secret))), most)
            end, number, seconds, report, stdout, stderr, message = answer
        except (Lost, OSError, ValueError, TypeError) as error:
            self._discard(zygote)
            return Outcome("infra", message=f"the process that starts programs was lost: {error}")
        self._give_back((program.readable, program.packages), zygote, good=end != "infra")
        return Outcome(end, number, seconds, report, stdout, stderr, message)

    def close(self) -> None:
        """End every zygote; each takes its program with it."""
        with self._lock:
            self._closed = True
            living = list(self._living)
            self._idle.clear()
            self._living.clear()
        for zygote in living:
            zygote.dismiss()
        for zygote in living:
            zygote.end()

    def _take(self, kind: _Kind) -> _Zygote:
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            idle = self._idle.get(kind)
            if idle:
                return idle.pop()
            zygote = _Zygote(self._wrap(self._command, *kind) if self._wrap else self._command)
            self._living.add(zygote)
        try:
            zygote.greet(kind, str(packages.linked(kind[1])) if self._links and kind[1] else "")
        except BaseException:
            self._discard(zygote)
            raise
        return zygote

    def _give_back(self, kind: _Kind, zygote: _Zygote, *, good: bool) -> None:
        with self._lock:
            if good and not self._closed:
                self._idle.setdefault(kind, []).append(zygote)
                return
        self._discard(zygote)

    def _discard(self, zygote: _Zygote) -> None:
        with self._lock:
            self._living.discard(zygote)
        zygote.end()


class _Zygote:
    """One process and the two pipes to it."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """Start it. Raises OSError."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_INTERPRETER_ENVIRONMENT,
            bufsize=0,
            # Ctrl-C at a terminal is for the harness alone, which then ends the zygotes in order.
            start_new_session=True,
            cwd="/",
        )
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]

    def greet(self, kind: _Kind, library: str) -> None:
        """Send it what programs may read and import, and learn whether it could isolate itself. Raises Lost."""
        readable, importable = map(list, kind)
        hello: Hello = {
            "host": os.getpid(), "readable": readable, "packages": importable, "library": library,
            "environment": PROGRAM_ENVIRONMENT,
        }  # fmt: skip
        complaint = self.ask((marshal.dumps(dict(hello)),), HARD_DEADLINE_EXTRA)
        if complaint:
            raise Lost(complaint)

    def ask(self, frames: tuple[bytes, ...], seconds: float) -> Any:
        """Send frames, return its answer. Raises Lost when it is dead or says nothing in so many seconds."""
        unsent = memoryview(b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames))
        assert self._process.stdin is not None and self._process.stdout is not None
        into, out_of = self._process.stdin.fileno(), self._process.stdout.fileno()
        answer = bytearray()
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(out_of, select.POLLIN)
        poll.register(into, select.POLLOUT)
        while len(answer) < 4 or len(answer) < 4 + int.from_bytes(answer[:4], "big"):
            ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
            if not ready:
                raise Lost("it did not answer and was ended")
            try:
                if into in ready:
                    unsent = unsent[os.write(into, unsent[: 1 << 16]) :]
                    if not unsent:
                        poll.unregister(into)
                if out_of in ready:
                    part = os.read(out_of, 1 << 18)
                    if not part:
                        raise Lost(self._last_word())
                    answer += part
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise Lost(self._last_word()) from None
        return marshal.loads(bytes(answer[4:]))

    def dismiss(self) -> None:
        """Close its input: it clears away and ends."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def end(self) -> None:
        """See it off: asked first, then killed."""
        self.dismiss()
        try:
            self._process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _last_word(self) -> str:
        assert self._process.stderr is not None
        try:
            said = os.read(self._process.stderr.fileno(), 1 << 16).decode("utf-8", "replace").strip()
        except (BlockingIOError, ValueError):
            said = ""
        return said.splitlines()[-1] if said else "it ended and said nothing"


def interpreter() -> str:
    """Path of the base interpreter: a virtual environment's own would look for files that a sandbox hides."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _interpreter_command(module: str) -> tuple[str, ...]:
    package = Path(__file__).resolve().parent.parent
    # No site, no user site, no unsafe path; not isolated, because the hash seed comes by the environment
    return (interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", _BOOT, str(package), module)


def _order(program: Program | ByValue, limits: Limits) -> Order:
    order: Order = {
        "source": None,
        "environment": dict(PROGRAM_ENVIRONMENT),
        "keep": OUTPUT_KEPT,
        "wall_seconds": float(limits.wall_seconds),
        "most_walls": float(limits.most_walls),
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
        "work_bytes": limits.work_bytes,
        "processes": limits.processes,
        "reserves": False,
        "process_list": True,
        "build_seconds": float(limits.build_seconds),
        "build_memory_bytes": limits.build_memory_bytes,
    }
    if isinstance(program, ByValue):
        order["source"] = program.source
        return order
    order["environment"].update(program.environment)
    order["processes"] += program.threads
    order["reserves"] = program.reserves
    order["process_list"] = program.process_list
    if program.expected is not None:
        order["keep"] = limits.output_bytes
    if program.build:
        order["work_bytes"] = max(limits.work_bytes, _BUILD_BYTES)
    return order


# What compilers write beside the program
_BUILD_BYTES = 256 << 20


def _secret(program: Program | ByValue) -> Commands | Trial:
    if isinstance(program, ByValue):
        return {"nonce": program.nonce, "code": program.code, "names": list(program.names)}
    return {
        "files": [(name, data) for name, data in program.files],
        "build": [list(command) for command in program.build],
        "command": list(program.command),
        "request": program.request,
        "stdin": program.stdin,
    }
