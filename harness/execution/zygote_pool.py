"""A pool of zygotes in the harness's process (the host). A zygote is a process that starts one program after another.

Guaranteed: a zygote is a newly exec'ed interpreter with an empty environment, closed descriptors and none of the
host's memory, so threads of the host (torch, tokenizers) cannot harm it and nothing leaks into it. The host waits for
a result no longer than a hard deadline, whatever the zygote does, and replaces a zygote that failed. `close` ends
every zygote, and so does the end of the host, however it ends. How a zygote isolates programs is defined in `inside/`.
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
from harness.execution.inside.messages import ByValueSecret, CommandSecret, ProgramSpec, ZygoteConfig
from harness.execution.language import ByValue, Outcome, Program
from harness.execution.verdicts import OUTPUT_KEPT

# Seconds beyond the program's own limits: start and clean-up on a heavily loaded machine.
HARD_DEADLINE_EXTRA = 30.0
# Seconds that a zygote has to clean up after its input is closed.
LEAVE_SECONDS = 5.0

# The zygote must not run `harness/__init__`, which imports the library: empty package modules replace it.
_BOOT = """
import sys
for name, folder in (("", ""), (".execution", "/execution"), (".execution.inside", "/execution/inside")):
    package = type(sys)("harness" + name)
    package.__path__ = [sys.argv[1] + folder]
    sys.modules["harness" + name] = package
__import__(sys.argv[2])
sys.modules[sys.argv[2]].main()
"""
# A fixed seed of string hashes, so that verdicts are reproducible
_INTERPRETER_ENVIRONMENT = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LD_BIND_NOW": "1"}
PROGRAM_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC"}


# (command of a zygote, folders that its programs may read, packages that they may import) -> command that starts it
Wrap = Callable[[tuple[str, ...], tuple[str, ...], tuple[str, ...]], tuple[str, ...]]
# Folders that a zygote's programs may read, and packages that they may import
_Access = tuple[tuple[str, ...], tuple[str, ...]]


class ZygoteFailed(Exception):
    """A zygote ended or did not answer; the message is the cause as far as it is known."""


class ZygotePool:
    """A `Launcher` whose programs are started by zygotes of `module` (in `harness.execution.inside`)."""

    def __init__(self, module: str, wrap: Wrap | None = None, *, links: bool = False) -> None:
        """`module` has a `main()` that serves requests; `wrap` builds the command that starts a zygote; with `links`
        programs import packages through a folder of links to them, because this isolation cannot mount them.
        """
        self._command = _interpreter_command(f"harness.execution.inside.{module}")
        self._wrap, self._links = wrap, links
        self._lock = threading.Lock()
        self._idle: dict[_Access, list[_Zygote]] = {}
        self._running: set[_Zygote] = set()
        self._closed = False

    def launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        """Run one program. Raises SandboxError after `close`."""
        try:
            zygote = self._acquire((program.readable, program.packages))
        except (OSError, ZygoteFailed) as error:
            return Outcome("infra", message=str(error))
        spec, secret = _program_spec(program, limits), _secret(program)
        builds = len(program.build) if isinstance(program, Program) else 0
        most = limits.most_walls * (limits.wall_seconds + builds * limits.build_seconds) + HARD_DEADLINE_EXTRA
        try:
            result = zygote.exchange((marshal.dumps(dict(spec)), marshal.dumps(dict(secret))), most)
            end, number, seconds, report, stdout, stderr, message = result
        except (ZygoteFailed, OSError, ValueError, TypeError) as error:
            self._discard(zygote)
            return Outcome("infra", message=f"the process that starts programs failed: {error}")
        self._release((program.readable, program.packages), zygote, good=end != "infra")
        return Outcome(end, number, seconds, report, stdout, stderr, message)

    def close(self) -> None:
        """End every zygote; each one ends its program."""
        with self._lock:
            self._closed = True
            running = list(self._running)
            self._idle.clear()
            self._running.clear()
        for zygote in running:
            zygote.close_input()
        for zygote in running:
            zygote.stop()

    def _acquire(self, access: _Access) -> _Zygote:
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            idle = self._idle.get(access)
            if idle:
                return idle.pop()
            zygote = _Zygote(self._wrap(self._command, *access) if self._wrap else self._command)
            self._running.add(zygote)
        try:
            zygote.configure(access, str(packages.linked_folder(access[1])) if self._links and access[1] else "")
        except BaseException:
            self._discard(zygote)
            raise
        return zygote

    def _release(self, access: _Access, zygote: _Zygote, *, good: bool) -> None:
        with self._lock:
            if good and not self._closed:
                self._idle.setdefault(access, []).append(zygote)
                return
        self._discard(zygote)

    def _discard(self, zygote: _Zygote) -> None:
        with self._lock:
            self._running.discard(zygote)
        zygote.stop()


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
            # Ctrl-C at a terminal must reach the harness alone, which then ends the zygotes in order
            start_new_session=True,
            cwd="/",
        )
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]

    def configure(self, access: _Access, library: str) -> None:
        """Send what programs may read and import. Raises ZygoteFailed with the cause if it could not isolate itself."""
        readable, importable = map(list, access)
        config: ZygoteConfig = {
            "host": os.getpid(), "readable": readable, "packages": importable, "packages_folder": library,
            "environment": PROGRAM_ENVIRONMENT,
        }  # fmt: skip
        cause = self.exchange((marshal.dumps(dict(config)),), HARD_DEADLINE_EXTRA)
        if cause:
            raise ZygoteFailed(cause)

    def exchange(self, frames: tuple[bytes, ...], seconds: float) -> Any:
        """Send frames and return the answer. Raises ZygoteFailed if it ended or does not answer within `seconds`."""
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
                raise ZygoteFailed("it did not answer in time and was ended")
            try:
                if into in ready:
                    unsent = unsent[os.write(into, unsent[: 1 << 16]) :]
                    if not unsent:
                        poll.unregister(into)
                if out_of in ready:
                    part = os.read(out_of, 1 << 18)
                    if not part:
                        raise ZygoteFailed(self._last_error())
                    answer += part
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise ZygoteFailed(self._last_error()) from None
        return marshal.loads(bytes(answer[4:]))

    def close_input(self) -> None:
        """Close its input, which makes it clean up and end."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def stop(self) -> None:
        """Wait for its end, then terminate it, then kill it."""
        self.close_input()
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

    def _last_error(self) -> str:
        assert self._process.stderr is not None
        try:
            errors = os.read(self._process.stderr.fileno(), 1 << 16).decode("utf-8", "replace").strip()
        except (BlockingIOError, ValueError):
            errors = ""
        return errors.splitlines()[-1] if errors else "it ended without an error message"


def interpreter() -> str:
    """Path of the base interpreter: that of a virtual environment would need files that a sandbox hides."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def _interpreter_command(module: str) -> tuple[str, ...]:
    package = Path(__file__).resolve().parent.parent
    # No site, no user site, no unsafe path; not -I, because the hash seed is set through the environment
    return (interpreter(), "-S", "-s", "-P", "-X", "utf8", "-c", _BOOT, str(package), module)


def _program_spec(program: Program | ByValue, limits: Limits) -> ProgramSpec:
    spec: ProgramSpec = {
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
        spec["source"] = program.source
        return spec
    spec["environment"].update(program.environment)
    spec["processes"] += program.threads
    spec["reserves"] = program.reserves
    spec["process_list"] = program.process_list
    if program.expected is not None:
        spec["keep"] = limits.output_bytes
    if program.build:
        spec["work_bytes"] = max(limits.work_bytes, _BUILD_BYTES)
    return spec


# Bytes of the work folder during a build: compilers write more than the program
_BUILD_BYTES = 256 << 20


def _secret(program: Program | ByValue) -> CommandSecret | ByValueSecret:
    if isinstance(program, ByValue):
        return {"nonce": program.nonce, "code": program.code, "names": list(program.names)}
    return {
        "files": [(name, data) for name, data in program.files],
        "build": [list(command) for command in program.build],
        "command": list(program.command),
        "request": program.request,
        "stdin": program.stdin,
    }
