"""Runs programs on a node of a Ray cluster, in that node's own sandbox. No exception leaves it, but words do."""

from __future__ import annotations

import platform
import socket
import threading
from dataclasses import dataclass, field
from importlib.metadata import version

from harness.errors import HarnessError
from harness.execution.base import Job, Limits, Sandbox, Verdict


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a node cannot do what was requested."""

    reason: str


@dataclass(slots=True)
class ProgramRunner:
    """The actor. Its methods run beside each other."""

    _sandbox: Sandbox | None = None
    _tried: dict[str, Refused | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, level: str, harness: str, python: str) -> str | Refused:
        """Open the sandbox of this level, and no other; return the node's name. The versions must be the driver's."""
        from harness.execution.selection import open_sandbox

        here = {"harness": version("harness"), "Python": platform.python_version()}
        for name, wanted in (("harness", harness), ("Python", python)):
            if here[name] != wanted:
                return Refused(f"it has {name} {here[name]}, this program {wanted}")
        try:
            with self._lock:
                self._sandbox = self._sandbox or open_sandbox(level)
        except HarnessError as error:
            return Refused(str(error))
        return socket.gethostname()

    def try_language(self, name: str) -> Refused | None:
        """Try a language once; None if its programs run here."""
        assert self._sandbox is not None
        with self._lock:
            if name not in self._tried:
                self._tried[name] = None
                try:
                    self._sandbox.try_language(name)
                except HarnessError as error:
                    self._tried[name] = Refused(str(error))
            return self._tried[name]

    def run(self, job: Job, limits: Limits) -> Verdict | Refused:
        """Run a job as the local sandbox does."""
        assert self._sandbox is not None
        try:
            return self._sandbox.run(job, limits)
        except HarnessError as error:
            return Refused(str(error))

    def close(self) -> None:
        """End every process."""
        if self._sandbox is not None:
            self._sandbox.close()
