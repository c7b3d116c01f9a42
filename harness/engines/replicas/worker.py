"""What runs in a replica: take jobs, answer them, take more while the batch runs. The same in a process and an actor.

The loop knows no connection: it gets a way to receive jobs and a way to send what it has. Jobs that arrive while it
answers enter the running batch, where the execution mode can take them; else they follow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.local.engine import LocalEngine

# How often a replica that answers gives a sign of life between outcomes
SIGN_SECONDS = 5.0
# An engine that gives neither an outcome nor a batch for longer hangs (a large model on a CPU may take minutes)
LONGEST_BATCH_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life: sequences in the batch, and tokens computed so far."""

    rows: int
    tokens: int


class JobsEnded(Exception):
    """No more jobs come: the driver has gone, or wants no more."""


def serve(
    engine: LocalEngine, receive: Callable[[bool], Sequence[Job]], send: Callable[[Outcome | Sign], None]
) -> None:
    """Answer until `receive` raises JobsEnded. `receive(True)` waits for jobs; `receive(False)` returns what is there.

    Raises what the engine raises; outcomes sent before that count.
    """
    signs = _Signs(engine, send)

    def more() -> Sequence[Job]:
        signs.progressed()
        return receive(False)

    try:
        while True:
            jobs = receive(True)
            with signs:
                for outcome in engine.answer(jobs, more):
                    signs.progressed()
                    signs.send(outcome)
            # Between two streams of jobs its batch is empty
            signs.send(_sign(engine))
    except JobsEnded:
        return


class _Signs:
    """A thread that gives signs of life inside its `with` block: some execution modes return nothing for a long batch.

    A process that is stopped gives none; one whose engine hangs gives none after `LONGEST_BATCH_SECONDS`.
    """

    def __init__(self, engine: LocalEngine, send: Callable[[Outcome | Sign], None]) -> None:
        self._engine, self._send, self._one_sends = engine, send, threading.Lock()
        self._moved = time.monotonic()

    def progressed(self) -> None:
        """The engine has just done a batch, or a job."""
        self._moved = time.monotonic()

    def send(self, message: Outcome | Sign) -> None:
        """Send from either thread: a connection takes one message at a time."""
        with self._one_sends:
            self._send(message)

    def __enter__(self) -> None:
        self.progressed()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="signs of life", daemon=True)
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        # A closed connection stops the engine's own thread too
        with suppress(OSError):
            while not self._ended.wait(SIGN_SECONDS):
                if time.monotonic() - self._moved < LONGEST_BATCH_SECONDS:
                    self.send(_sign(self._engine))


def _sign(engine: LocalEngine) -> Sign:
    states = engine.replicas()
    return Sign(states[0].rows, states[0].tokens or 0) if states else Sign(0, 0)
