"""A replica as it runs on a node of a Ray cluster: the local engine in a thread, and methods that never wait long.

The driver sends jobs and polls for messages; each poll returns what came since the last one, so that one call carries
many outcomes. Nothing raised here leaves as an exception: faults are messages in words.
"""

from __future__ import annotations

import os
import platform
import queue
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.engines.base import EngineFacts, ModelSpec
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.replicas.worker import Sign, serve
from harness.errors import HarnessError, ModelError

# What may change an answer
VERSIONED = ("harness", "torch", "transformers", "tokenizers")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor runs: Ray's id of the node, its address and name, the process, and the versions there."""

    node_id: str
    address: str
    host: str
    process: int
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the engine ended. `of_model`: the model's files are at fault; `internal`: an unexpected error."""

    reason: str
    of_model: bool = False
    internal: bool = False


Message = EngineFacts | Outcome | Sign | Fault


def versions_here() -> tuple[tuple[str, str], ...]:
    """Versions of Python and of what may change an answer; `missing` for a package that is not installed."""
    found = [("Python", platform.python_version())]
    for name in VERSIONED:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "missing"))
    return tuple(found)


class ReplicaActor:
    """One replica. Its methods run beside each other (Ray's `max_concurrency`)."""

    def __init__(self, spec: ModelSpec, options: dict[str, Any]) -> None:
        """Nothing is loaded yet."""
        self._spec, self._options = spec, options
        self._inbox: queue.SimpleQueue[Sequence[Job]] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def where(self) -> Place:
        """Say where it runs: the first answer means that a node was found."""
        import ray

        node_id = ray.get_runtime_context().get_node_id()
        return Place(node_id, ray.util.get_node_ip_address(), socket.gethostname(), os.getpid(), versions_here())

    def load(self, sharers: int) -> None:
        """Begin to load the model; its facts, or a fault, are the first message.

        `sharers`: how many replicas share the device's memory.
        """
        threading.Thread(target=self._work, args=(sharers,), name="engine", daemon=True).start()

    def send(self, jobs: Sequence[Job]) -> None:
        """Take more jobs."""
        self._inbox.put(jobs)

    def poll(self, seconds: float) -> list[Message]:
        """Return the messages since the last call; wait so long at most for the first one."""
        found: list[Message] = []
        ends = time.monotonic() + seconds
        try:
            found.append(self._outbox.get(timeout=seconds))
            # What comes within the same batch goes into the same message
            time.sleep(min(0.02, max(0.0, ends - time.monotonic())))
            while True:
                found.append(self._outbox.get_nowait())
        except queue.Empty:
            return found

    def _work(self, sharers: int) -> None:
        from harness.engines.hf.checkpoint_engine import opened
        from harness.engines.hf.model_errors import MODEL_ERRORS
        from harness.engines.local.engine import LocalEngine, LocalOptions

        fault = None
        try:
            engine = LocalEngine(opened(self._spec), LocalOptions(**self._options))
            engine.sharers = sharers
            engine.load()
            self._outbox.put(engine.facts())
            serve(engine, self._receive, self._outbox.put)
        except HarnessError as error:
            fault = Fault(str(error), isinstance(error, ModelError))
        except MODEL_ERRORS as error:
            fault = Fault(f"{type(error).__name__}: {error}")
        finally:
            unforeseen = sys.exc_info()[1]
            if fault is None and unforeseen is not None:
                fault = Fault(f"{type(unforeseen).__name__}: {unforeseen}", internal=True)
            if fault is not None:
                self._outbox.put(fault)

    def _receive(self, wait: bool) -> list[Job]:
        jobs: list[Job] = []
        try:
            if wait:
                jobs += self._inbox.get()
            while True:
                jobs += self._inbox.get_nowait()
        except queue.Empty:
            return jobs
