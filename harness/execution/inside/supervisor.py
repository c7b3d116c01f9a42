"""Supervises one sandbox from outside of it: time, memory, output, and the events that its init process reports.

Trusted, and the same for every way of isolating. Guaranteed: every limit is enforced from outside of the program; all
processes of the sandbox are dead before the result is sent. Not guaranteed: isolation, which `Isolation` provides.
"""

from __future__ import annotations

import os
import select
import time

from harness.execution.inside import sigkill_reports, usage
from harness.execution.inside.isolation import SIGKILL
from harness.execution.inside.messages import INPUT_FD
from harness.execution.inside.streams import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.isolation import Isolation
    from harness.execution.inside.messages import ProgramSpec

TICK_SECONDS = 0.05
# For the exit of a program whose report is complete
EXIT_SECONDS = 0.5
# For the set-up of a sandbox on a busy machine
SET_UP_SECONDS = 20.0
REPORT_BYTES = 64 << 10
REPORT_LINES = 6


class HostGone(Exception):
    """The host ended, so the result has no receiver."""


class Writers:
    """The writing ends of a sandbox's pipes: stdout, stderr, the report, and the events of its init process."""

    def __init__(self, out: int, err: int, report: int, control: int) -> None:
        """All are descriptors in the init process."""
        self.out, self.err, self.report, self.control = out, err, report, control

    def send_event(self, event: str) -> None:
        """Send one line to the zygote."""
        os.write(self.control, event.encode("utf-8", "replace").replace(b"\n", b" ") + b"\n")


class Result:
    """How a program ended."""

    def __init__(self, end: str, number: int = 0, message: str = "") -> None:
        """`end` and `number` as in `harness.execution.language.Outcome`."""
        self.end, self.number, self.message = end, number, message
        self.seconds = 0.0
        self.report = self.stdout = self.stderr = b""
        # Whether the init process read its secret from the host's pipe; if not, the pipe cannot be used again
        self.secret_read = False

    def as_tuple(self) -> tuple[str, int, float, bytes, bytes, bytes, str]:
        """The values that are sent to the host."""
        return self.end, self.number, self.seconds, self.report, self.stdout, self.stderr, self.message


class Supervisor:
    """Supervises one program, from the start of its init process to its result."""

    def __init__(self, spec: ProgramSpec, isolation: Isolation) -> None:
        """Create the pipes; nothing runs yet."""
        self.spec, self.isolation = spec, isolation
        pairs = [os.pipe() for _ in range(4)]
        self.readers = [reader for reader, _ in pairs]
        for reader in self.readers:
            os.set_blocking(reader, False)
        self.writers = Writers(*(writer for _, writer in pairs))
        keep = spec["keep"]
        self.streams = {
            reader: Stream(size)
            for reader, size in zip(self.readers, (keep, keep, REPORT_BYTES, REPORT_BYTES), strict=True)
        }
        self.events: list[str] = []
        self.phase, self.began = "set_up", time.monotonic()
        self.deadline = self.began + SET_UP_SECONDS
        self.has_report = False
        # Whether the program sent a SIGKILL, to any process
        self.sent_sigkill = False

    def supervise(self, init: int) -> Result:
        """Supervise the sandbox whose init process is `init`, end it, and return how it ended. Raises HostGone."""
        for writer in (self.writers.out, self.writers.err, self.writers.report, self.writers.control):
            os.close(writer)
        try:
            result = self._wait_for_result(init)
            seconds = time.monotonic() - self.began
        finally:
            self.isolation.tear_down(init)
        for reader, stream in self.streams.items():
            stream.drain(reader)
            os.close(reader)
        self._update_phase()
        out, err, report, _ = (self.streams[reader] for reader in self.readers)
        result.seconds = seconds if self.phase == "run" else 0.0
        result.stdout, result.stderr, result.report = out.kept(), err.kept(), bytes(report.head)
        result.secret_read = "secret_read" in self.events
        return result

    def _wait_for_result(self, init: int) -> Result:
        poll = select.poll()
        for reader in self.readers:
            poll.register(reader, select.POLLIN)
        # The host's pipe is not read here; without a mask poll still reports that it was closed
        poll.register(INPUT_FD, 0)
        if self.isolation.kill_listener is not None:
            poll.register(self.isolation.kill_listener, select.POLLIN)
        exited = os.pidfd_open(init) if hasattr(os, "pidfd_open") else None
        if exited is not None:
            poll.register(exited, select.POLLIN)
        next_check = time.monotonic() + TICK_SECONDS
        try:
            while True:
                wait = max(0.0, min(TICK_SECONDS, self.deadline - time.monotonic()))
                gone = self._read(poll, poll.poll(wait * 1000), exited)
                if (result := self._result_so_far()) is not None:
                    return result
                if gone or (exited is None and not _alive(init)):
                    return self._result_without_event()
                if (result := self._check_deadline(init)) is not None:
                    return result
                if time.monotonic() >= next_check:
                    next_check = time.monotonic() + TICK_SECONDS
                    if self._exceeds_memory():
                        return Result("memory")
        finally:
            if exited is not None:
                os.close(exited)

    def _read(self, poll: select.poll, ready: list[tuple[int, int]], exited: int | None) -> bool:
        """Read what is available; return whether the init process has ended. Raises HostGone."""
        gone = False
        for descriptor, event in ready:
            if descriptor == INPUT_FD:
                if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    raise HostGone
            elif descriptor == exited:
                gone = True
            elif descriptor == self.isolation.kill_listener:
                self.sent_sigkill |= sigkill_reports.allow_reported_call(descriptor)
            elif not self.streams[descriptor].read(descriptor):
                poll.unregister(descriptor)
        return gone

    def _result_so_far(self) -> Result | None:
        """The result, if the events and streams that were read decide it."""
        self._update_phase()
        out, err, report, _ = (self.streams[reader] for reader in self.readers)
        # If the candidate's process fails before it runs, it ends too, and the tester reports that end later
        fault = next((event for event in self.events if event.startswith("fault ")), None)
        if fault is not None:
            return Result("infra", message=fault.removeprefix("fault "))
        if self.events:
            end, _, rest = self.events[-1].partition(" ")
            if end in ("exit", "signal", "build_failed"):
                if self.events[-1].endswith(f"signal {SIGKILL}") and not self.sent_sigkill:
                    return Result("killed", SIGKILL)
                return Result(end, int(rest.rpartition(" ")[2]), rest)
        if self.phase == "run" and out.length + err.length > self.spec["output_bytes"]:
            return Result("output_limit")
        if not self.has_report and report.head.count(b"\n") >= REPORT_LINES:
            self.has_report, self.deadline = True, min(self.deadline, time.monotonic() + EXIT_SECONDS)
        return None

    def _update_phase(self) -> None:
        """Read the events that the init process sent; a new phase starts its own clock."""
        control = self.streams.get(self.readers[3])
        lines = bytes(control.head).decode("utf-8", "replace").split("\n")[:-1] if control else []
        for event in lines[len(self.events) :]:
            self.events.append(event)
            if event in ("build", "run"):
                self.phase, self.began = event, time.monotonic()
                self.deadline = self.began + self.spec["build_seconds" if event == "build" else "wall_seconds"]

    def _result_without_event(self) -> Result:
        """The init process ended without a final event. By value that is normal: the tester's report is complete."""
        for reader, stream in self.streams.items():
            stream.drain(reader)
        if (result := self._result_so_far()) is not None:
            return result
        return Result("exit") if self.has_report else Result("infra", message="the program's sandbox ended by itself")

    def _check_deadline(self, init: int) -> Result | None:
        """The result of a program that is past its deadline; the deadline moves by the time it waited for a core."""
        now = time.monotonic()
        if now < self.deadline:
            return None
        if self.has_report:
            return Result("exit")
        if self.phase == "set_up":
            return Result("infra", message="the program's sandbox could not be set up in time")
        wall = self.spec["wall_seconds"] if self.phase == "run" else self.spec["build_seconds"]
        most = self.spec["most_walls"] * wall
        waited = usage.waited(init, self.isolation.processes(), now - self.began)
        self.deadline = self.began + min(wall + waited, most)
        if now < self.deadline:
            return None
        if wall + waited > most:
            return Result("starved", message=f"got a core for {most - waited:.1f} of {most:.0f} s")
        return Result("timeout" if self.phase == "run" else "build_timeout")

    def _exceeds_memory(self) -> bool:
        limit = self.spec["build_memory_bytes"] if self.phase == "build" else self.spec["memory_bytes"]
        return usage.memory(self.isolation.processes(), limit) > limit


def _alive(pid: int) -> bool:
    """Whether a child still runs; it is not reaped."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False
