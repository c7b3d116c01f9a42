"""Watches one world from outside of it: time, memory, output, and the word of the world's first process.

Trusted, and the same for every way of isolating. Guaranteed: every limit is enforced from outside of the program;
the whole world is dead before the answer goes out. Not guaranteed: isolation, which is the `Place`'s affair.
"""

from __future__ import annotations

import os
import select
import time

from harness.execution.inside import kills, usage
from harness.execution.inside.order import INPUT
from harness.execution.inside.place import SIGKILL
from harness.execution.inside.streams import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harness.execution.inside.order import Order
    from harness.execution.inside.place import Place

TICK_SECONDS = 0.05
# A program whose report is complete has nothing left to do but leave.
LEAVE_SECONDS = 0.5
# For making a world, on a machine that has much else to do.
FURNISH_SECONDS = 20.0
REPORT_BYTES = 64 << 10
REPORT_LINES = 6


class HostGone(Exception):
    """Nobody waits for the answer any more."""


class Ends:
    """The writing ends of a world's pipes: output, errors, report, and the first process's word to the zygote."""

    def __init__(self, out: int, err: int, report: int, control: int) -> None:
        """Descriptors, in the first process."""
        self.out, self.err, self.report, self.control = out, err, report, control

    def tell(self, word: str) -> None:
        """Say one line to the zygote."""
        os.write(self.control, word.encode("utf-8", "replace").replace(b"\n", b" ") + b"\n")


class Answer:
    """How a program ended."""

    def __init__(self, end: str, number: int = 0, message: str = "") -> None:
        """`end` and `number` as in `harness.execution.language.Outcome`."""
        self.end, self.number, self.message = end, number, message
        self.seconds = 0.0
        self.report = self.stdout = self.stderr = b""
        # Whether the first process took its secret from the pipe: if not, the pipe is of no more use
        self.taken = False

    def plain(self) -> tuple[str, int, float, bytes, bytes, bytes, str]:
        """As it travels to the host."""
        return self.end, self.number, self.seconds, self.report, self.stdout, self.stderr, self.message


class Watch:
    """One program, from its world's first process to its answer."""

    def __init__(self, order: Order, place: Place) -> None:
        """Make the pipes; nothing runs yet."""
        self.order, self.place = order, place
        pairs = [os.pipe() for _ in range(4)]
        self.readers = [reader for reader, _ in pairs]
        for reader in self.readers:
            os.set_blocking(reader, False)
        self.ends = Ends(*(writer for _, writer in pairs))
        keep = order["keep"]
        self.streams = {
            reader: Stream(size)
            for reader, size in zip(self.readers, (keep, keep, REPORT_BYTES, REPORT_BYTES), strict=True)
        }
        self.words: list[str] = []
        self.phase, self.began = "furnish", time.monotonic()
        self.deadline = self.began + FURNISH_SECONDS
        self.told = False
        # Whether the program sent a SIGKILL, to whomever
        self.killed = False

    def see_through(self, first: int) -> Answer:
        """Watch the world whose first process is `first`, end it, and say how it went. Raises HostGone."""
        for writer in (self.ends.out, self.ends.err, self.ends.report, self.ends.control):
            os.close(writer)
        try:
            answer = self._watch(first)
            seconds = time.monotonic() - self.began
        finally:
            self.place.clear(first)
        for reader, stream in self.streams.items():
            stream.drain(reader)
            os.close(reader)
        self._hear()
        out, err, report, _ = (self.streams[reader] for reader in self.readers)
        answer.seconds = seconds if self.phase == "run" else 0.0
        answer.stdout, answer.stderr, answer.report = out.kept(), err.kept(), bytes(report.head)
        answer.taken = "got" in self.words
        return answer

    def _watch(self, first: int) -> Answer:
        poll = select.poll()
        for reader in self.readers:
            poll.register(reader, select.POLLIN)
        # The host's pipe is not read here; poll tells of its end unasked
        poll.register(INPUT, 0)
        if self.place.listener is not None:
            poll.register(self.place.listener, select.POLLIN)
        exited = os.pidfd_open(first) if hasattr(os, "pidfd_open") else None
        if exited is not None:
            poll.register(exited, select.POLLIN)
        next_look = time.monotonic() + TICK_SECONDS
        try:
            while True:
                wait = max(0.0, min(TICK_SECONDS, self.deadline - time.monotonic()))
                gone = self._read(poll, poll.poll(wait * 1000), exited)
                if (answer := self._heard()) is not None:
                    return answer
                if gone or (exited is None and not _alive(first)):
                    return self._silent()
                if (answer := self._late(first)) is not None:
                    return answer
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + TICK_SECONDS
                    if self._memory():
                        return Answer("memory")
        finally:
            if exited is not None:
                os.close(exited)

    def _read(self, poll: select.poll, ready: list[tuple[int, int]], exited: int | None) -> bool:
        """Take what is ready; whether the first process has ended."""
        gone = False
        for descriptor, event in ready:
            if descriptor == INPUT:
                if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                    raise HostGone
            elif descriptor == exited:
                gone = True
            elif descriptor == self.place.listener:
                self.killed |= kills.let_through(descriptor)
            elif not self.streams[descriptor].read(descriptor):
                poll.unregister(descriptor)
        return gone

    def _heard(self) -> Answer | None:
        """The answer, once the first process or the program has said enough."""
        self._hear()
        out, err, report, _ = (self.streams[reader] for reader in self.readers)
        # A candidate's process that broke before it ran ends as well, and the tester tells that after it
        broken = next((word for word in self.words if word.startswith("broken ")), None)
        if broken is not None:
            return Answer("infra", message=broken.removeprefix("broken "))
        if self.words:
            end, _, rest = self.words[-1].partition(" ")
            if end in ("exit", "signal", "build_failed"):
                if self.words[-1].endswith(f"signal {SIGKILL}") and not self.killed:
                    return Answer("killed", SIGKILL)
                return Answer(end, int(rest.rpartition(" ")[2]), rest)
        if self.phase == "run" and out.length + err.length > self.order["output_bytes"]:
            return Answer("output_limit")
        if not self.told and report.head.count(b"\n") >= REPORT_LINES:
            self.told, self.deadline = True, min(self.deadline, time.monotonic() + LEAVE_SECONDS)
        return None

    def _hear(self) -> None:
        """Follow what the first process says about the phases."""
        control = self.streams.get(self.readers[3])
        said = bytes(control.head).decode("utf-8", "replace").split("\n")[:-1] if control else []
        for word in said[len(self.words) :]:
            self.words.append(word)
            if word in ("build", "run"):
                self.phase, self.began = word, time.monotonic()
                self.deadline = self.began + self.order["build_seconds" if word == "build" else "wall_seconds"]

    def _silent(self) -> Answer:
        """The first process ended: by value, the tester has said all that it had to say in its report."""
        for reader, stream in self.streams.items():
            stream.drain(reader)
        if (answer := self._heard()) is not None:
            return answer
        return Answer("exit") if self.told else Answer("infra", message="the program's world ended by itself")

    def _late(self, first: int) -> Answer | None:
        now = time.monotonic()
        if now < self.deadline:
            return None
        if self.told:
            return Answer("exit")
        if self.phase == "furnish":
            return Answer("infra", message="the program's world could not be made in time")
        wall = self.order["wall_seconds"] if self.phase == "run" else self.order["build_seconds"]
        most = self.order["most_walls"] * wall
        waited = usage.waited(first, self.place.members(), now - self.began)
        self.deadline = self.began + min(wall + waited, most)
        if now < self.deadline:
            return None
        if wall + waited > most:
            return Answer("starved", message=f"got a core for {most - waited:.1f} of {most:.0f} s")
        return Answer("timeout" if self.phase == "run" else "build_timeout")

    def _memory(self) -> bool:
        limit = self.order["build_memory_bytes"] if self.phase == "build" else self.order["memory_bytes"]
        return usage.memory(self.place.members(), limit) > limit


def _alive(first: int) -> bool:
    """Whether a child still runs; it is left to be collected."""
    try:
        return os.waitid(os.P_PID, first, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False
