"""A sandbox made of a launcher: takes a job to its language, runs its programs, retries what may be the
machine's fault.

Guaranteed: a time-out counts only after a second try during which no other program of this sandbox ran, so that a
loaded machine does not change scores; so does whatever ended while the kernel killed processes for want of memory. A
program that was killed from outside both times, or had no core for most of its time both times, is not judged
(`infra`), and is `memory` where the kernel says that it killed for want of it. A fault of our own is tried three times
before it is reported. Not guaranteed: that other processes of the machine are quiet during that second try; what a
program waits for a core is not charged to it (`inside/supervise.py`).
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from harness import plugins
from harness.errors import DataError, SandboxError
from harness.execution import shortage
from harness.execution.base import Job, Limits, Verdict
from harness.execution.language import ByValue, Language, Launcher, Outcome, Program
from harness.execution.verdicts import judge

# A first start of a compiler, on a machine that does much else
_TRIAL_LIMITS = Limits(wall_seconds=30.0)
# Launches of one program before its failure to start is told: once may be a passing shortage of processes.
LAUNCHES = 3
# How many times its wall limit, and how many seconds, a program may take in its second try, while it waits for a core
WALLS_ALONE, SECONDS_ALONE = 6.0, 30.0
NO_MEMORY = "killed by the system for want of memory: this machine or control group has less than the program's limit"


class Conductor:
    """The `Sandbox` on top of a `Launcher`; `level` is its name in manifests and in `harness doctor`."""

    def __init__(self, level: str, launcher: Launcher, caution: str = "") -> None:
        """Own `launcher`: closing the sandbox closes it."""
        self.level, self.caution = level, caution
        self._launcher = launcher
        self._turns = _Turns()
        self._languages: dict[str, Language] = {}
        self._closed = threading.Event()

    def run(self, job: Job, limits: Limits) -> Verdict:
        """Run every program of `job` until one does not pass. Raises UnknownName and SandboxError, see
        `_language`; ConfigError for packages that are not installed.
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
            verdict = self._run_one(program, limits)
            seconds += verdict.seconds
            if verdict.status != "passed":
                break
        return dataclasses.replace(verdict, seconds=seconds)

    def try_language(self, name: str) -> None:
        """Run the language's own trial. Raises UnknownName; SandboxError where its toolchain is missing or fails."""
        language = self._language(name)
        verdict = self.run(language.trial(), _TRIAL_LIMITS)
        if verdict.status != "passed":
            said = f"{verdict.status}: {verdict.message}" if verdict.message else verdict.status
            raise SandboxError(f"{name} programs do not run in the sandbox {self.level!r} here ({said})")

    def close(self) -> None:
        """End every process; programs still running come back as `infra`."""
        self._closed.set()
        self._launcher.close()

    def _language(self, name: str) -> Language:
        """Find a language. Raises UnknownName, and SandboxError where its toolchain is not installed."""
        if name not in self._languages:
            language: Language = plugins.load("language", name).build()
            if missing := language.missing():
                raise SandboxError(missing)
            self._languages[name] = language
        return self._languages[name]

    def _run_one(self, program: Program | ByValue, limits: Limits) -> Verdict:
        with self._turns.shared():
            first, verdict, short = self._judged(program, limits)
        in_doubt = verdict.status == "timeout" or first.end in ("killed", "starved") or short
        if not in_doubt or self._closed.is_set():
            return verdict
        builds = isinstance(program, Program) and bool(program.build)
        walls = WALLS_ALONE if builds else max(WALLS_ALONE, SECONDS_ALONE / limits.wall_seconds)
        with self._turns.alone():
            _, verdict, short = self._judged(program, dataclasses.replace(limits, most_walls=walls))
        if not short:
            return verdict
        return dataclasses.replace(verdict, status="memory", message=NO_MEMORY, signal=None)

    def _judged(self, program: Program | ByValue, limits: Limits) -> tuple[Outcome, Verdict, bool]:
        """Run it once; also whether it did not pass and the kernel killed for want of memory meanwhile."""
        before = shortage.kills()
        outcome = self._launch(program, limits)
        verdict = judge(program, outcome)
        return outcome, verdict, verdict.status != "passed" and shortage.kills() != before

    def _launch(self, program: Program | ByValue, limits: Limits) -> Outcome:
        outcome = self._launcher.launch(program, limits)
        for _ in range(LAUNCHES - 1):
            if outcome.end != "infra" or self._closed.is_set():
                break
            outcome = self._launcher.launch(program, limits)
        return outcome


class _Turns:
    """Many may run together, or one alone; who waits to be alone goes before newcomers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._waiting = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and not self._waiting)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._alone and not self._running)
            self._waiting -= 1
            self._alone = True
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
