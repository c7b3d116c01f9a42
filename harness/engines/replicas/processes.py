"""A pool of replicas that are processes of this machine: one a device, or several on the CPU.

Each process has a thread that reads from it and one that writes to it, so that a process that is stopped, or a pipe
that is full, never stops the driver. Guarantees: a process that ends is started again a finite number of times, unless
the model's files are at fault; no process outlives the pool, nor the driver by more than the batch that it computes.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.checkpoint_engine import opened
from harness.engines.hf.model_errors import MODEL_ERRORS
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.engine import LocalEngine, LocalOptions
from harness.engines.replicas.contract import Arrived, Event, Failed, Joined, Lost, Restarting, Working
from harness.engines.replicas.worker import JobsEnded, Sign, serve
from harness.errors import HarnessError, ModelError

START_SECONDS = 1800.0
# How often each replica is started again: more often it is not an accident
RESTARTS = 2


# What runs in a process: connection, model, options, how many replicas share the device's memory
Run = Callable[[Connection, ModelSpec, dict[str, Any], int], None]


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why the engine in a process ended."""

    reason: str
    of_model: bool = False


class Processes:
    """A `contract.Pool` of processes, one for each of `devices`."""

    def __init__(
        self,
        spec: ModelSpec,
        options: LocalOptions,
        devices: Sequence[str],
        restarts: int = RESTARTS,
        run: Run | None = None,
    ) -> None:
        """Nothing is started yet. `run`: what runs in a process, by default `run_replica`."""
        self._run = run or run_replica
        self._spec, self._options, self._devices = spec, options, tuple(devices)
        self._restarts = [restarts] * len(self._devices)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._running: dict[str, _Process] = {}
        self._closed = False

    def start(self) -> None:
        """Start a process for each device."""
        for slot in range(len(self._devices)):
            self._start(slot, "")

    def starting(self) -> int:
        """Processes that have not loaded the model yet."""
        return sum(not one.joined for one in self._running.values())

    def send(self, replica: str, jobs: Sequence[Job]) -> None:
        """Hand jobs to the thread that writes."""
        if (one := self._running.get(replica)) is not None:
            one.outbox.put(list(jobs))

    def events(self, seconds: float) -> Sequence[Event]:
        """What came, of processes that were not ended."""
        found: list[Event] = []
        with suppress(queue.Empty):
            self._take(self._events.get(timeout=seconds), found)
            while True:
                self._take(self._events.get_nowait(), found)
        late = [one for one in self._running.values() if not one.joined and time.monotonic() > one.deadline]
        for one in late:
            self.end(one.name)
            found.append(Lost(one.name, f"it did not start within {START_SECONDS:.0f} s"))
        return found

    def end(self, replica: str) -> None:
        """Kill a process, and start another in its place."""
        if (one := self._running.pop(replica, None)) is not None:
            one.kill()
            self._start_again(one)

    def close(self) -> None:
        """End all processes."""
        self._closed = True
        for one in self._running.values():
            one.process.kill()
        for one in self._running.values():
            one.kill()
        self._running.clear()

    def process_ids(self) -> dict[str, int]:
        """The processes, by replica."""
        return {name: one.process.pid or 0 for name, one in self._running.items()}

    def _take(self, event: Event, found: list[Event]) -> None:
        if isinstance(event, Restarting):
            found.append(event)
            return
        one = self._running.get(event.replica)
        if one is None:
            return
        found.append(event)
        if isinstance(event, Joined):
            one.joined = True
        if isinstance(event, Lost | Failed):
            del self._running[event.replica]
            one.kill()
            if not (isinstance(event, Failed) and event.of_model):
                self._start_again(one)

    def _start_again(self, ended: _Process) -> None:
        if not self._closed and self._restarts[ended.slot]:
            self._restarts[ended.slot] -= 1
            again = self._start(ended.slot, f".{ended.number + 1}", ended.number + 1)
            self._events.put(Restarting(again.name, again.device))

    def _start(self, slot: int, ending: str, number: int = 0) -> _Process:
        device = self._devices[slot]
        options = self._options
        sharers = len(self._devices) if device == "cpu" else 1
        if device == "cpu" and not options.threads:
            # Replicas on a CPU share its cores
            options = options.model_copy(update={"threads": max(1, _cores() // sharers)})
        name = f"{slot + 1}{ending}"
        arguments = (replace(self._spec, device=device), options.model_dump(), sharers)
        one = _Process(name, slot, number, device, self._run, arguments, self._events)
        self._running[name] = one
        return one


class _Process:
    """One process and the two threads that talk with it."""

    def __init__(
        self,
        name: str,
        slot: int,
        number: int,
        device: str,
        run: Run,
        arguments: tuple[ModelSpec, dict[str, Any], int],
        events: queue.SimpleQueue[Event],
    ) -> None:
        """Start it. `slot`: which device; `number`: how often one was started in its place before."""
        self.name, self.slot, self.number, self.device = name, slot, number, device
        self.joined = False
        self.deadline = time.monotonic() + START_SECONDS
        self.outbox: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._events = events
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self.process = context.Process(target=run, args=(theirs, *arguments), name=f"replica {name}", daemon=True)
        self.process.start()
        theirs.close()
        threading.Thread(target=self._read, name=f"read replica {name}", daemon=True).start()
        threading.Thread(target=self._write, name=f"write replica {name}", daemon=True).start()

    def kill(self) -> None:
        """End it at once, also if it is stopped."""
        self.process.kill()
        self.outbox.put(None)
        self.process.join(timeout=10)

    def _read(self) -> None:
        try:
            while True:
                self._events.put(self._event(self._connection.recv()))
        except (EOFError, OSError):
            self.process.join(timeout=10)
            self._events.put(Lost(self.name, exit_text(self.process.exitcode)))

    def _write(self) -> None:
        with suppress(OSError):
            while (jobs := self.outbox.get()) is not None:
                self._connection.send(jobs)

    def _event(self, message: EngineFacts | Outcome | Sign | _Fault) -> Event:
        if isinstance(message, EngineFacts):
            return Joined(self.name, f"{self.device} (process {self.process.pid})", message)
        if isinstance(message, Sign):
            return Working(self.name, message.rows, message.tokens)
        if isinstance(message, _Fault):
            return Failed(self.name, message.reason, message.of_model)
        return Arrived(self.name, message)


def exit_text(code: int | None) -> str:
    """How a process ended, for people."""
    if code is None:
        return "its connection broke"
    if code >= 0:
        return f"it ended with exit code {code}"
    with suppress(ValueError):
        killed = signal.Signals(-code).name
        memory = " (out of memory?)" if killed == "SIGKILL" else ""
        return f"it was killed by {killed}{memory}"
    return f"it was killed by signal {-code}"


def run_replica(connection: Connection, spec: ModelSpec, options: dict[str, Any], sharers: int) -> None:
    """The replica's process: load, then answer until the driver closes the connection."""
    # Batch systems send these to all processes of a job: they are the driver's to handle, which ends this process
    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(BrokenPipeError):
        try:
            engine = LocalEngine(opened(spec), LocalOptions(**options))
            engine.sharers = sharers
            engine.load()
            connection.send(engine.facts())
            serve(engine, _receiver(connection), connection.send)
        except HarnessError as error:
            connection.send(_Fault(str(error), isinstance(error, ModelError)))
        except MODEL_ERRORS as error:
            connection.send(_Fault(f"{type(error).__name__}: {error}"))


def _receiver(connection: Connection) -> Any:
    def receive(wait: bool) -> list[Job]:
        jobs: list[Job] = []
        try:
            while (wait and not jobs) or connection.poll():
                jobs += connection.recv()
        except (EOFError, OSError):
            raise JobsEnded from None
        return jobs

    return receive


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
