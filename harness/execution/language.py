"""How a job becomes programs (a language's part), and what a launcher saw of one (a sandbox's part).

A language is one file in `languages/` whose `build()` returns a `Language`. It knows how candidate and
tests are put together and which command runs them; it starts nothing. A launcher knows how to run a command
apart from the rest of the machine; it knows no language. Between them stand these two types.

How a program proves that its tests ended: it gets a secret `nonce` with its `request` on descriptor 3 and
writes a report to descriptor 4, lines of UTF-8 text: nonce, ending, place, error type, error message, line
of the tests (0: none). Ending is `passed`, `failed`, `error` or `exited`; place is `compile`, `load` or
`call`. Exit codes, stdout and files prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from harness.execution.base import Check, Job, Limits

REQUEST_FD = 3
REPORT_FD = 4


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is started by a command, in an empty work folder of its own.

    `files` are written into the folder (relative names), then the commands of `build` are run there in turn, each
    of which must exit with 0, then the `files` are removed if there was a build, then `command` runs. All of it is
    untrusted and happens inside. Commands start with an absolute path or one relative to the work folder ("./x").
    `request` and `stdin` are all that the running program may read from descriptors 3 and 0; `readable` are
    folders of its toolchain outside the system's own. With `expected` the program is judged by its standard
    output, without by its report. `tests` is only for messages and stays outside. A runtime that reserves far more
    memory than it uses (`reserves`: java, node, go) is bound by what it touches, not by its address space;
    `threads` are those that the runtime starts for itself, on top of the limit of processes. Without `process_list`
    there is no /proc, through which one process of a program could read another one's memory. `packages` are installed
    Python packages that it may import (`packages.found`).
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
    tests: str = ""
    check: Check = "exit_marker"
    reserves: bool = False
    threads: int = 0
    process_list: bool = True
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ByValue:
    """A Python candidate in a process of its own, and tests that call it from another one.

    `source` is all that the candidate's process ever holds. `code` (marshalled) is run by the tester, with the
    functions of the candidate that `names` lists in reach; only values pass between the two. `tests` is only for
    messages.
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
    """How a program ended, in the words of the trusted process that watched it.

    `killed` is by a SIGKILL that neither the program nor its watcher sent; `starved` is a time-out of a program that
    had no core for most of its time. `number` is the exit code or the signal; `message` says what broke when `end` is
    `infra`. `stdout` and `stderr` are whole up to `keep` bytes, then head and tail. `seconds` are wall time without
    the set-up.
    """

    end: End
    number: int = 0
    seconds: float = 0.0
    report: bytes = b""
    stdout: bytes = b""
    stderr: bytes = b""
    message: str = ""


class Language(Protocol):
    """One language. Stateless; used from any thread."""

    name: str

    def missing(self) -> str | None:
        """Return a line that names the toolchain which is not here and what to install, or None."""

    def trial(self) -> Job:
        """Return a small job that passes where the toolchain works."""

    def programs(self, job: Job) -> tuple[Program | ByValue, ...]:
        """Return the processes that must all pass, in order. Raises DataError when the tests themselves are
        broken.
        """


class Launcher(Protocol):
    """Runs programs apart from the machine, from any thread, several at once."""

    def launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        """Run to an outcome; what goes wrong on our side comes back as `infra`, never as an exception."""

    def close(self) -> None:
        """End every process; safe to call twice; later launches raise SandboxError."""
