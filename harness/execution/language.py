"""The interfaces between languages and launchers: a `Language` turns a job into programs, a `Launcher` runs each of
them and returns its `Outcome`.

A language is one file in `languages/` whose `build()` returns a `Language`. It defines how candidate and tests are
combined into a program and which command runs it; it starts no process. A launcher runs a command isolated from the
rest of the machine; it knows no language.

How a program proves that its tests ended: it receives a secret `nonce` with its `request` on descriptor 3 and writes
a report to descriptor 4, lines of UTF-8 text: nonce, ending, stage, error type, error message, line of the tests (0:
none). Ending is `passed`, `failed`, `error` or `exited`; stage is `compile`, `load` or `call`. Exit codes, stdout and
files prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from harness.execution.base import Check, Job, Limits


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is started by a command in an empty work folder of its own.

    `files` are written into the folder (relative names), then the commands of `build` are run there in turn, each
    of which must exit with 0, then the `files` are removed if there was a build, then `command` runs. All of it is
    untrusted and happens in the sandbox. Commands start with an absolute path or one relative to the work folder.
    `request` and `stdin` are all that the running program may read from descriptors 3 and 0; `readable` are
    folders of its toolchain outside the system's own. With `expected` the program is judged by its standard
    output, whose lines are compared as `output` says, without it by its report. `tests` is only for messages and never
    enters the sandbox. A runtime that reserves far more memory than it uses (`reserves`: java, node, go) is limited by
    the memory it touches, not by its address space;
    `threads` are those that the runtime itself starts, in addition to the limit of processes. Without `process_list`
    there is no /proc, through which one process of a program could read another one's memory. `packages` are installed
    Python packages that it may import (paths, see `packages.locate`).
    """

    command: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    build: tuple[tuple[str, ...], ...] = ()
    request: bytes = b""
    stdin: bytes = b""
    readable: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    nonce: str = ""
    expected: str | None = None
    output: Literal["exact", "decimals"] = "exact"
    tests: str = ""
    check: Check = "exit_marker"
    reserves: bool = False
    threads: int = 0
    process_list: bool = True
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ByValue:
    """A Python candidate in one process, and tests that call it from another.

    The candidate's process holds nothing but `source`. The tester runs `code` (marshalled), in which the candidate's
    functions in `names` are defined; only values pass between the two processes. `tests` is only for messages.
    """

    source: str
    code: bytes
    names: tuple[str, ...]
    nonce: str
    readable: tuple[str, ...] = ()
    tests: str = ""
    packages: tuple[str, ...] = ()


End = Literal[
    "exit", "signal", "killed", "timeout", "starved", "memory", "output_limit", "build_failed", "build_timeout", "infra"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended, as the trusted process that supervised it reports.

    `killed` is by a SIGKILL that neither the program nor its supervisor sent; `starved` is a time-out of a program that
    had no core for most of its time. `number` is the exit code or the signal; `message` is the cause when `end` is
    `infra`. `stdout` and `stderr` are complete up to `keep` bytes, beyond that head and tail. `seconds` are wall time
    without the set-up.
    """

    end: End
    number: int = 0
    seconds: float = 0.0
    report: bytes = b""
    stdout: bytes = b""
    stderr: bytes = b""
    message: str = ""


class Language(Protocol):
    """One language. Stateless; used from any thread.

    Its module may also have `ENDINGS` (the file endings that `harness exec` takes for it), `JOINS_SUFFIX` (whether a
    job may have text behind its candidate) and `SHAPE` (where a function begins and ends, for completions that hold a
    body or a whole function: `languages/forms.py`). With JOINS_SUFFIX it may have `without_gap(tests, candidate)`, the
    tests of a chat answer that repeats the whole function. Interpreted languages share `languages/scripted.py` and a
    frame in `languages/frames/`.
    """

    name: str

    def missing(self) -> str | None:
        """Return None, or a line that names the toolchain which is not installed and the package to install."""

    def trial(self) -> Job:
        """Return a small job that passes if the toolchain works."""

    def programs(self, job: Job) -> tuple[Program | ByValue, ...]:
        """Return the programs that must all pass, in order. Raises DataError if the tests themselves are broken."""


class Launcher(Protocol):
    """Runs programs isolated from the machine, from any thread, several at once."""

    def launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        """Run a program to its end; a fault of the harness is returned as `infra`, never raised."""

    def close(self) -> None:
        """End every process; safe to call twice; later launches raise SandboxError."""
