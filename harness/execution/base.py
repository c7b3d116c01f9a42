"""The lasting interface of the room: a Job goes in, a Verdict comes out. Execution knows no sample and no
score.

Guaranteed by every sandbox: a `passed` means that the last test ran to its end, as far as `Verdict.check`
says; the program sees no variable of the harness's environment and ends at its limits. Guaranteed by every
sandbox but `none`: it sees no network and no file outside its work folder, its language's own files and the
system's programs. What a given sandbox does not guarantee stands at the top of its own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from harness.datatypes import Tests

Status = Literal[
    "passed", "failed", "error", "exited", "timeout", "memory", "output_limit", "signal",
    "compile_error", "compile_timeout", "violation", "infra",
]  # fmt: skip

Check = Literal["by_value", "in_process", "exit_marker"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one program: wall seconds, bytes of memory, of output and of its work folder, processes.

    Memory and processes are of the program's whole tree. Building it has bounds of its own. A program is charged for
    the time that it ran or slept, not for the time that it waited for a core (beside a model on the same processor,
    say); all in all it may take `most_walls` times its wall limit. `packages` are installed Python packages that it
    may import, besides the usual ones and those that its tests name.
    """

    wall_seconds: float = 10.0
    memory_bytes: int = 1 << 30
    output_bytes: int = 4 << 20
    work_bytes: int = 64 << 20
    processes: int = 64
    build_seconds: float = 60.0
    build_memory_bytes: int = 2 << 30
    most_walls: float = 3.0
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A candidate's code and the tests that judge it."""

    candidate: str
    tests: Tests


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a job. `infra` is our fault and never the program's; `message` is its last error, one
    line.

    `output` is the head and tail of what it printed, control characters removed; `check` says how far the
    verdict can be forged by the candidate: "by_value" (not at all: it never met the tests), "in_process" and
    "exit_marker" (by code that aims at this harness: it shares a process with its tests).
    """

    status: Status
    message: str = ""
    output: str = ""
    seconds: float = 0.0
    check: Check = "in_process"
    signal: int | None = None


class Sandbox(Protocol):
    """Runs jobs, from any thread, several at once. `caution` is what its user should know, empty where nothing."""

    level: str
    caution: str

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Run one job to its verdict; never raises for what the program does."""

    def try_language(self, name: str) -> None:
        """Run a small program of the language. Raises UnknownName, or SandboxError with what is missing."""

    def close(self) -> None:
        """End every process and remove every file; safe to call twice."""
