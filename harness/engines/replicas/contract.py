"""What a pool of replicas is, wherever they run: processes of this machine, or actors of a cluster.

A replica is one copy of the model with the local engine in it. The dispatcher sends it jobs and gets events; it knows
no process, no connection and no clock of its own, so that it can be tested and simulated without any. Jobs and outcomes
are those of `harness.engines.hf.token_jobs`: plain data that can be pickled.

Guarantees of a pool: an outcome arrives at most once for each time that its job was sent; after `Lost` or `Failed`
nothing of that replica arrives any more, and its name is not used again; `send` to a replica that has just died does
not raise, `Lost` follows. `Lost` and `Failed` may also be the first events of a replica: it did not start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.engines.base import EngineFacts
from harness.engines.hf.token_jobs import Job, Outcome


@dataclass(frozen=True, slots=True)
class Joined:
    """A replica is loaded and takes jobs from now on. `place`: its node and device, for people."""

    replica: str
    place: str
    facts: EngineFacts


@dataclass(frozen=True, slots=True)
class Arrived:
    """The outcome of one job."""

    replica: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Lost:
    """A replica is gone (killed, its node too); what it was sent and did not answer must be sent to another."""

    replica: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The engine in a replica raised, and the replica has ended; another may meet the same fault in the same jobs.

    `of_model`: the model's own files are at fault (ModelError), so that every replica would meet it at its start.
    """

    replica: str
    reason: str
    of_model: bool = False


@dataclass(frozen=True, slots=True)
class Working:
    """A sign of life between outcomes, every few seconds: an answer of a large model may take an hour.

    `rows`: sequences in its batch; `tokens`: prompt and new tokens that it has computed since it joined. A pool whose
    replicas cannot send it leaves it out.
    """

    replica: str
    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Restarting:
    """Another replica is being started in place of a lost or failed one; `Joined` follows, under a name of its own."""

    replica: str
    place: str


Event = Joined | Arrived | Working | Restarting | Lost | Failed


class Pool(Protocol):
    """Replicas, by name. They may join at any time, also late."""

    def start(self) -> None:
        """Begin to start replicas; each becomes known by `Joined`. Raises EngineError if none can be started."""

    def starting(self) -> int:
        """How many replicas are being started and may still join; with 0, and none alive, there is nothing to wait for.

        Also 0 once the pool has waited too long for them.
        """

    def send(self, replica: str, jobs: Sequence[Job]) -> None:
        """Give a replica more jobs; it may have some already."""

    def events(self, seconds: float) -> Sequence[Event]:
        """Wait for the next events, so many seconds at most; empty when none came."""

    def end(self, replica: str) -> None:
        """End a replica that is stuck, at once; no event of it follows."""

    def close(self) -> None:
        """End all; safe to call twice."""
