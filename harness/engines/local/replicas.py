"""Several devices, one replica of the model on each: jobs are partitioned, outcomes come back as they are ready.

Each replica is a process with the same engine in it. Jobs that share a prefix stay together. Guarantees: each job gets
one outcome; when a process dies, its unanswered jobs go to the others, and only when none is left does the run stop (it
can be resumed); the processes end with the engine, however it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.checkpoint_engine import opened
from harness.engines.hf.model_errors import MODEL_ERRORS
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.engine import LocalEngine, LocalOptions
from harness.engines.local.prefix_tree import assign_prefixes, sequence_groups
from harness.errors import EngineError, ModelError

# Fewer shards keep prefixes together, more even out what cannot be known before: how long the completions get
SHARDS_PER_REPLICA = 4
START_SECONDS = 1800.0


class ReplicatedEngine(LocalEngine):
    """One model on several devices."""

    def __init__(self, spec: ModelSpec, options: LocalOptions, devices: Sequence[str]) -> None:
        """Open config and tokenizer here, weights only in the replicas."""
        first = opened(replace(spec, device=devices[0]))
        super().__init__(replace(first, spec=replace(spec, device=",".join(devices))), options)
        self._spec, self._devices = spec, tuple(devices)
        self._replicas: list[_Replica] = []

    def load(self) -> None:
        """Start the replicas and wait until each is ready. Raises EngineError."""
        if self._replicas:
            return
        self._replicas = [
            _Replica(replace(self._spec, device=device), self._replica_options(device)) for device in self._devices
        ]
        ready = [replica.ready() for replica in self._replicas]
        facts = self.facts()
        notes_of_replicas = tuple(
            dict.fromkeys(note for engine in ready for note in engine.notes if note not in facts.notes)
        )
        self._facts = replace(
            ready[0],
            device=facts.device,
            notes=(*facts.notes, f"{len(ready)} replicas, one on each device", *notes_of_replicas),
        )

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        unanswered = {job.key: job for job in jobs}
        try:
            yield from self._answer(jobs, unanswered)
        finally:
            if unanswered:
                # The replicas still work on answers that no one will read: the next stream starts new ones
                self.drop()

    def _answer(self, jobs: Sequence[Job], unanswered: dict[str, Job]) -> Iterator[Outcome]:
        for replica, shard in zip(self._replicas, _partition(jobs, len(self._replicas)), strict=True):
            replica.send_jobs(shard)
        while unanswered:
            busy = [replica for replica in self._replicas if replica.busy]
            if not busy:
                self._reassign(list(unanswered.values()))
                continue
            for replica in _ready_to_read(busy):
                outcome = replica.receive()
                if outcome is not None and unanswered.pop(outcome.key, None) is not None:
                    yield outcome

    def drop(self) -> None:
        """End the replicas."""
        for replica in self._replicas:
            replica.close()
        self._replicas = []

    def _reassign(self, jobs: Sequence[Job]) -> None:
        alive = [replica for replica in self._replicas if replica.alive]
        if not alive:
            raise EngineError(f"all replicas died ({', '.join(replica.exit_status() for replica in self._replicas)})")
        for replica, shard in zip(alive, _partition(jobs, len(alive)), strict=True):
            replica.send_jobs(shard)

    def _replica_options(self, device: str) -> LocalOptions:
        """A replica's options: CPU replicas share the cores."""
        if device != "cpu" or self.options.threads:
            return self.options
        return self.options.model_copy(update={"threads": max(1, (os.cpu_count() or 1) // len(self._devices))})


class _Replica:
    """A process with an engine, as its parent sees it. `busy`: it has jobs that it has not finished."""

    def __init__(self, spec: ModelSpec, options: LocalOptions) -> None:
        context = multiprocessing.get_context("spawn")
        self._device = str(spec.device)
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_worker_loop, args=(theirs, spec, options.model_dump()), daemon=True)
        self._process.start()
        theirs.close()
        self.busy = False
        self.alive = True

    def ready(self) -> EngineFacts:
        """Wait until the engine is loaded. Raises the engine's own error, or EngineError if the process died."""
        if not self.connection.poll(START_SECONDS):
            raise EngineError(f"the replica on {self._device} did not start within {START_SECONDS:.0f} s")
        message = self._receive()
        if isinstance(message, EngineFacts):
            return message
        if isinstance(message, ModelError):
            raise message
        raise EngineError(f"the replica on {self._device} did not start ({message or self.exit_status()})")

    def send_jobs(self, jobs: Sequence[Job]) -> None:
        """Send it jobs."""
        if jobs and self.alive:
            try:
                self.connection.send(list(jobs))
                self.busy = True
            except (BrokenPipeError, OSError):
                self.alive = False

    def receive(self) -> Outcome | None:
        """Its next outcome; None when it has finished its jobs or died."""
        message = self._receive()
        if isinstance(message, str):
            raise EngineError(f"the replica on {self._device} failed ({message})")
        if message is None:
            self.busy = False
        return cast("Outcome | None", message)

    def exit_status(self) -> str:
        """How the process ended."""
        self._process.join(timeout=5)
        return f"{self._device}: exit code {self._process.exitcode}"

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(timeout=10)
        self.alive = self.busy = False

    def _receive(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.alive = self.busy = False
            return None


def _ready_to_read(busy: Sequence[_Replica]) -> list[_Replica]:
    by_connection = {id(replica.connection): replica for replica in busy}
    return [by_connection[id(connection)] for connection in wait([replica.connection for replica in busy])]


def _partition(jobs: Sequence[Job], replicas: int) -> list[list[Job]]:
    """Split jobs into shards of about equal work, neighbours in the prefix tree together, and deal them in turn."""
    ordered = list({group.job.key: group.job for group in assign_prefixes(sequence_groups(jobs))}.values())
    whole = sum(job.longest for job in ordered)
    shards: list[list[Job]] = [[] for _ in range(replicas)]
    done = 0
    for job in ordered:
        shards[done * replicas * SHARDS_PER_REPLICA // max(1, whole) % replicas].append(job)
        done += job.longest
    return shards


def _worker_loop(connection: Connection, spec: ModelSpec, options: dict[str, Any]) -> None:
    """The replica's process: load, then answer until the parent closes the connection."""
    # An interrupt is the parent's to handle; it ends this process
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from harness.errors import HarnessError

    try:
        engine = LocalEngine(opened(spec), LocalOptions(**options))
        engine.load()
        connection.send(engine.facts())
        while True:
            for outcome in engine.answer(connection.recv()):
                connection.send(outcome)
            connection.send(None)
    except (EOFError, BrokenPipeError):
        return
    except ModelError as error:
        connection.send(error)
    except HarnessError as error:
        connection.send(str(error))
    except MODEL_ERRORS as error:
        # A fault that another replica would meet as well: reported, not tried again
        connection.send(f"{type(error).__name__}: {error}")
