"""The `Sandbox` that runs each program in processes of its own: the job's language builds the programs, a launcher runs
them, and what may be the machine's fault is retried.

Guaranteed: a time-out counts only after a second try during which no other program of this sandbox runs, so that a
loaded machine does not change scores. The same holds for a program that failed while the kernel killed processes
because memory ran out. A program that was killed from outside in both tries, or had no core for most of its time in
both, is not judged (`infra`); it is `memory` if the kernel reports out-of-memory kills. A fault of the harness is
tried three times before it is reported. Not guaranteed: that other processes of the machine are idle during
the second try; the time that a program waits for a core is not charged to it (`inside/supervisor.py`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from harness import plugins
from harness.errors import DataError, SandboxError
from harness.execution import oom_kills
from harness.execution.base import Job, Limits, Verdict
from harness.execution.language import ByValue, Language, Launcher, Outcome, Program
from harness.execution.verdicts import judge

# Enough for the first start of a compiler on a busy machine
_TRIAL_LIMITS = Limits(wall_seconds=30.0)
# Launches of one program before a failure to start is reported: a lack of processes may be temporary.
LAUNCHES = 3
# The most that a second try may take while it waits for a core: multiples of the wall limit, and seconds
RETRY_WALLS, RETRY_SECONDS = 6.0, 30.0
OUT_OF_MEMORY = "killed by the system because memory ran out: this machine or group has less than the program's limit"


class ProcessSandbox:
    """A `Sandbox` on top of a `Launcher`; `level` is its name in manifests and in `harness doctor`."""

    def __init__(self, level: str, launcher: Launcher, caution: str = "") -> None:
        """Take over `launcher`: `close` closes it too."""
        self.level, self.caution = level, caution
        self._launcher = launcher
        self._lock = _SharedLock()
        self._languages: dict[str, Language] = {}
        self._closed = threading.Event()

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Run the programs of `job` until one does not pass.

        Raises UnknownName for an unknown language, SandboxError if its toolchain is not installed, ConfigError for
        packages that are not installed.
        """
        if limits.packages:
            tests = dataclasses.replace(job.tests, packages=tuple({*job.tests.packages, *limits.packages}))
            job = dataclasses.replace(job, tests=tests)
        try:
            programs = self._language(job.tests.language).programs(job)
        except DataError as error:
            return Verdict("infra", message=str(error))
        seconds = 0.0
        verdict = Verdict("infra", message="the job has no tests")
        for program in programs:
            verdict = self._run_program(program, limits)
            seconds += verdict.seconds
            if verdict.status != "passed":
                break
        return dataclasses.replace(verdict, seconds=seconds)

    def try_language(self, name: str) -> None:
        """Run the language's trial program. Raises UnknownName; SandboxError if its toolchain is missing or fails."""
        language = self._language(name)
        verdict = self.run(language.trial(), _TRIAL_LIMITS)
        if verdict.status != "passed":
            cause = f"{verdict.status}: {verdict.message}" if verdict.message else verdict.status
            raise SandboxError(f"{name} programs do not run in the sandbox {self.level!r} here ({cause})")

    def close(self) -> None:
        """End every process; programs that still run get the verdict `infra`."""
        self._closed.set()
        self._launcher.close()

    def _language(self, name: str) -> Language:
        """Load a language once. Raises UnknownName, and SandboxError if its toolchain is not installed."""
        if name not in self._languages:
            language: Language = plugins.load("language", name).build()
            if missing := language.missing():
                raise SandboxError(missing)
            self._languages[name] = language
        return self._languages[name]

    def _run_program(self, program: Program | ByValue, limits: Limits) -> Verdict:
        with self._lock.shared():
            first, verdict, oom = self._try(program, limits)
        in_doubt = verdict.status == "timeout" or first.end in ("killed", "starved") or oom
        if not in_doubt or self._closed.is_set():
            return verdict
        builds = isinstance(program, Program) and bool(program.build)
        walls = RETRY_WALLS if builds else max(RETRY_WALLS, RETRY_SECONDS / limits.wall_seconds)
        with self._lock.exclusive():
            _, verdict, oom = self._try(program, dataclasses.replace(limits, most_walls=walls))
        if not oom:
            return verdict
        return dataclasses.replace(verdict, status="memory", message=OUT_OF_MEMORY, signal=None)

    def _try(self, program: Program | ByValue, limits: Limits) -> tuple[Outcome, Verdict, bool]:
        """Run it once; the last value is whether it failed while the kernel killed processes to free memory."""
        before = oom_kills.count()
        outcome = self._launch(program, limits)
        verdict = judge(program, outcome)
        return outcome, verdict, verdict.status != "passed" and oom_kills.count() != before

    def _launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        outcome = self._launcher.launch(program, limits)
        for _ in range(LAUNCHES - 1):
            if outcome.end != "infra" or self._closed.is_set():
                break
            outcome = self._launcher.launch(program, limits)
        return outcome


class _SharedLock:
    """Many threads may hold it as `shared`, or one as `exclusive`; a waiting `exclusive` goes before new `shared`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders = 0
        self._waiting_exclusive = 0
        self._is_exclusive = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_exclusive and not self._waiting_exclusive)
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._changed:
            self._waiting_exclusive += 1
            self._changed.wait_for(lambda: not self._is_exclusive and not self._holders)
            self._waiting_exclusive -= 1
            self._is_exclusive = True
        try:
            yield
        finally:
            with self._changed:
                self._is_exclusive = False
                self._changed.notify_all()
