"""The public interface of this package: a `Sandbox` runs a `Job` and returns a `Verdict`. It knows no sample and no
score.

Guaranteed by every sandbox: `passed` means that the last test ran to its end, to the degree that `Verdict.check`
states; the program sees no variable of the harness's environment and ends at its limits. Guaranteed by every sandbox
but `none`: the program sees no network and no file outside its work folder, its language's own files and the
system's programs. The docstring of each sandbox lists what it does not guarantee.
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
    """Limits of one program: wall seconds, bytes of memory, of output and of its work folder, number of processes.

    Memory and processes are counted over the program's whole process tree. The build has limits of its own. A program
    is charged for the time in which it ran or slept, not for the time in which it waited for a core (for example
    beside a model on the same processor); in total it may take `most_walls` times its wall limit. `packages` are
    installed Python packages that it may import, besides the default ones and those that its tests name.
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
    """The result of a job. `infra` is a fault of the harness or the machine, never of the program; `message` is the
    program's last error, on one line.

    `output` is the head and tail of what it printed, without control characters; `check` states whether the candidate
    can forge the verdict: "by_value" (no: its process never holds the tests), "in_process" and "exit_marker" (only
    with code that targets this harness: it shares a process with its tests).
    """

    status: Status
    message: str = ""
    output: str = ""
    seconds: float = 0.0
    check: Check = "in_process"
    signal: int | None = None


class Sandbox(Protocol):
    """Runs jobs, from any thread, several at once. `caution` is a warning for its user, empty if there is none."""

    level: str
    caution: str

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Run one job and return its verdict; never raises for what the program does."""

    def try_language(self, name: str) -> None:
        """Run a small program in the language. Raises UnknownName, or SandboxError that names what is missing."""

    def close(self) -> None:
        """End every process and remove every file; safe to call twice."""
