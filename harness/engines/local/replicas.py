"""Several devices, one copy of the model on each: jobs are dealt out, outcomes come back as they are ready.

Each copy is a process of its own with the same engine in it. Jobs that share a prefix stay together. Guarantees: each
job gets one outcome; when a process dies, what it had not answered is dealt to the others, and only when none is left
does the run stop (it can be resumed); the processes end with the engine, however it ends.
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

# Hands a replica gets: fewer keep prefixes together, more even out what nobody can foresee, how long answers get
SHARDS_PER_REPLICA = 4
START_SECONDS = 1800.0


class ReplicatedEngine(LocalEngine):
    """One model on several devices."""

    def __init__(self, spec: ModelSpec, options: LocalOptions, devices: Sequence[str]) -> None:
        """Open config and tokenizer here, weights only in the replicas."""
        front = opened(replace(spec, device=devices[0]))
        super().__init__(replace(front, spec=replace(spec, device=",".join(devices))), options)
        self._spec, self._devices = spec, tuple(devices)
        self._replicas: list[_Replica] = []

    def load(self) -> None:
        """Start the replicas and wait until each is ready. Raises EngineError."""
        if self._replicas:
            return
        self._replicas = [_Replica(replace(self._spec, device=one), self._share(one)) for one in self._devices]
        ready = [replica.ready() for replica in self._replicas]
        facts = self.facts()
        notes_of_replicas = tuple(dict.fromkeys(note for one in ready for note in one.notes if note not in facts.notes))
        self._facts = replace(
            ready[0],
            device=facts.device,
            notes=(*facts.notes, f"{len(ready)} replicas, one on each device", *notes_of_replicas),
        )

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once."""
        open_jobs = {job.key: job for job in jobs}
        try:
            yield from self._answer(jobs, open_jobs)
        finally:
            if open_jobs:
                # Nobody waits for what the copies are still at: the next stream starts with fresh ones
                self.drop()

    def _answer(self, jobs: Sequence[Job], open_jobs: dict[str, Job]) -> Iterator[Outcome]:
        for replica, shard in zip(self._replicas, _partition(jobs, len(self._replicas)), strict=True):
            replica.ask(shard)
        while open_jobs:
            busy = [replica for replica in self._replicas if replica.asked]
            if not busy:
                self._reassign(list(open_jobs.values()))
                continue
            for replica in _ready_to_read(busy):
                outcome = replica.receive()
                if outcome is not None and open_jobs.pop(outcome.key, None) is not None:
                    yield outcome

    def drop(self) -> None:
        """End the replicas."""
        for replica in self._replicas:
            replica.close()
        self._replicas = []

    def _reassign(self, jobs: Sequence[Job]) -> None:
        alive = [replica for replica in self._replicas if replica.alive]
        if not alive:
            raise EngineError(f"all replicas died ({', '.join(one.exit_status() for one in self._replicas)})")
        for replica, shard in zip(alive, _partition(jobs, len(alive)), strict=True):
            replica.ask(shard)

    def _share(self, device: str) -> LocalOptions:
        """A replica's options: CPU replicas share the cores."""
        if device != "cpu" or self.options.threads:
            return self.options
        return self.options.model_copy(update={"threads": max(1, (os.cpu_count() or 1) // len(self._devices))})


class _Replica:
    """A process with an engine, seen from outside. `asked`: it has been given jobs and has not ended them."""

    def __init__(self, spec: ModelSpec, options: LocalOptions) -> None:
        context = multiprocessing.get_context("spawn")
        self._device = str(spec.device)
        self.line, theirs = context.Pipe()
        self._process = context.Process(target=_worker_loop, args=(theirs, spec, options.model_dump()), daemon=True)
        self._process.start()
        theirs.close()
        self.asked = False
        self.alive = True

    def ready(self) -> EngineFacts:
        """Wait for the engine to be loaded. Raises its own error, or EngineError for one that died."""
        if not self.line.poll(START_SECONDS):
            raise EngineError(f"the replica on {self._device} did not start within {START_SECONDS:.0f} s")
        said = self._receive()
        if isinstance(said, EngineFacts):
            return said
        if isinstance(said, ModelError):
            raise said
        raise EngineError(f"the replica on {self._device} did not start ({said or self.exit_status()})")

    def ask(self, jobs: Sequence[Job]) -> None:
        """Give it jobs."""
        if jobs and self.alive:
            try:
                self.line.send(list(jobs))
                self.asked = True
            except (BrokenPipeError, OSError):
                self.alive = False

    def receive(self) -> Outcome | None:
        """Its next outcome; None when it has ended its jobs or died."""
        said = self._receive()
        if isinstance(said, str):
            raise EngineError(f"the replica on {self._device} failed ({said})")
        if said is None:
            self.asked = False
        return cast("Outcome | None", said)

    def exit_status(self) -> str:
        """How the process ended."""
        self._process.join(timeout=5)
        return f"{self._device}: exit code {self._process.exitcode}"

    def close(self) -> None:
        """End the process."""
        self.line.close()
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(timeout=10)
        self.alive = self.asked = False

    def _receive(self) -> Any:
        try:
            return self.line.recv()
        except (EOFError, OSError):
            self.alive = self.asked = False
            return None


def _ready_to_read(busy: Sequence[_Replica]) -> list[_Replica]:
    lines = {id(replica.line): replica for replica in busy}
    return [lines[id(line)] for line in wait([replica.line for replica in busy])]


def _partition(jobs: Sequence[Job], replicas: int) -> list[list[Job]]:
    """Cut jobs into hands of about equal work, neighbours in the tree of prefixes together, and deal them round."""
    ordered = list({unit.job.key: unit.job for unit in assign_prefixes(sequence_groups(jobs))}.values())
    whole = sum(job.longest for job in ordered)
    shards: list[list[Job]] = [[] for _ in range(replicas)]
    done = 0
    for job in ordered:
        shards[done * replicas * SHARDS_PER_REPLICA // max(1, whole) % replicas].append(job)
        done += job.longest
    return shards


def _worker_loop(line: Connection, spec: ModelSpec, options: dict[str, Any]) -> None:
    """The replica's own life: load, then answer until nobody asks any more."""
    # An interrupt is the parent's to handle; it ends us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from harness.errors import HarnessError

    try:
        engine = LocalEngine(opened(spec), LocalOptions(**options))
        engine.load()
        line.send(engine.facts())
        while True:
            for outcome in engine.answer(line.recv()):
                line.send(outcome)
            line.send(None)
    except (EOFError, BrokenPipeError):
        return
    except ModelError as error:
        line.send(error)
    except HarnessError as error:
        line.send(str(error))
    except MODEL_ERRORS as error:
        # A fault that another copy would meet as well: told, not tried again
        line.send(f"{type(error).__name__}: {error}")
