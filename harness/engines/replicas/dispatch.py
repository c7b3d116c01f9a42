"""The driver of a pool of replicas: which replica gets which jobs, and what happens when one is lost, fails or hangs.

No process, no connection, no torch; the clock is injected. Jobs wait here, not in the replicas: each has as many as its
batch holds, and a few more, so that the batch never drains while there is work. Neighbours in the prefix tree go to one
replica (`waiting`). Towards the end hands get smaller, an idle replica takes half of what waits for another, and at the
very end it repeats jobs that take another much longer than usual: answers are deterministic, the first one counts.

Guarantees: each job gets one outcome, whatever is lost; jobs of a lost replica are sent to others at once. A job that
was in a replica that failed, or in two that were lost, runs again alone in a replica; if that one fails or is lost too,
the job is refused with the reason, and only that job. One that does not fit into a replica's memory is refused when it
fits into none, each with it alone. When no replica is left and none is being started: EngineError.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.engines.base import EngineFacts, ReplicaState
from harness.engines.hf.token_jobs import Job, Outcome
from harness.engines.replicas.contract import Event, Failed, Joined, Lost, Pool, Restarting, Working
from harness.engines.replicas.open_jobs import OpenJobs
from harness.errors import EngineError, ModelError

# How long one wait for events lasts: then idle replicas and deadlines are looked at
WAIT_SECONDS = 1.0
# Of an equal share of the jobs without outcome, how much a replica has at once: the rest evens out how long answers
# get. On a GPU a row more costs almost nothing and a smaller batch takes as long; on a CPU each row takes its time
AT_ONCE_GPU, AT_ONCE_CPU = 1.0, 0.85
# A replica gets more when this share of its level is left, so that jobs are sent by hands and neighbours together
REFILL_BELOW = 0.9
# More than the batch holds, so that a place in it is never empty
QUEUED = 1.25


@dataclass(frozen=True, slots=True)
class Patience:
    """Deadlines of a replica that has jobs and gives no sign of life.

    It is ended after `stuck_seconds` if another gave an outcome meanwhile, else after `SILENT` times as many.
    """

    stuck_seconds: float = 900.0

    def exceeded(self, silent: float, others_finished: bool) -> bool:
        """Whether a replica that was silent for so many seconds is stuck."""
        return silent >= self.stuck_seconds * (1 if others_finished else SILENT)


SILENT = 4


class Say(Protocol):
    """Receives what a user should know at once; `lasting` lines belong into the manifest too."""

    def __call__(self, line: str, *, lasting: bool) -> None:
        """Take a line."""


@dataclass(slots=True)
class _Replica:
    """A replica that has joined. `sent`: its jobs without outcome, by wire key, and when they were sent."""

    name: str
    place: str
    joined: float
    sign: float
    sent: dict[str, float] = field(default_factory=dict)
    outcome: float | None = None
    busy_since: float = float("-inf")
    done: int = 0
    rows: int | None = None
    tokens: int | None = None
    alone: bool = False


class Dispatcher:
    """Gives jobs to the replicas of a pool and collects their outcomes."""

    def __init__(
        self,
        pool: Pool,
        wanted: int,
        rows: int,
        patience: Patience = Patience(),
        clock: Callable[[], float] = time.monotonic,
        say: Say | None = None,
        like: EngineFacts | None = None,
        at_once: float = AT_ONCE_GPU,
    ) -> None:
        """`wanted`: how many replicas are expected; `rows`: most sequences that one runs at once.

        `like`: facts whose digests a replica must not differ from (the tokenizer's that makes the jobs).
        `at_once`: of an equal share of the jobs, how much a replica has at once.
        """
        self._pool, self._wanted, self._rows = pool, wanted, rows
        self._patience, self._clock = patience, clock
        self._say: Say = say or _unheard
        self._live: dict[str, _Replica] = {}
        self._gone: list[ReplicaState] = []
        self._like, self._at_once = like, at_once
        self._facts: EngineFacts | None = None
        self._reasons: list[str] = []
        self._stream = 0
        self._jobs = OpenJobs()
        self._finished = self._repeated = float("-inf")

    def start(self) -> EngineFacts:
        """Start the pool and wait until a replica has joined; return its facts. Raises EngineError."""
        self._pool.start()
        while self._facts is None:
            self._require_any()
            for event in self._pool.events(WAIT_SECONDS):
                self._happened(event)
        return self._facts

    def answer(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Do each job once, in any order. Raises EngineError when no replica is left; what came before counts."""
        # Jobs of one stream may have the keys of an earlier one, whose repeated jobs may still arrive
        self._stream += 1
        self._jobs = OpenJobs(jobs, max(self._wanted, len(self._live)), self._stream)
        refused: list[Outcome] = []
        self._feed_all()
        while len(self._jobs):
            self._require_any()
            for event in self._pool.events(WAIT_SECONDS):
                outcome = self._happened(event, refused)
                if outcome is not None:
                    yield outcome
            self._end_stuck(refused)
            refused += self._jobs.fitting_nowhere(self._live.keys())
            if refused:
                yield from refused
                refused.clear()
            self._feed_idle()

    def attend(self, seconds: float) -> None:
        """Between two streams: take in what happened (a replica joined, or was lost), waiting so long at most."""
        for event in self._pool.events(seconds):
            self._happened(event)

    def states(self) -> Sequence[ReplicaState]:
        """What each replica does, and which are gone; from any thread."""
        now = self._clock()
        live = [
            ReplicaState(
                one.name,
                one.place,
                "working" if one.sent else "idle",
                one.done,
                len(one.sent) if one.rows is None else one.rows,
                now - one.joined,
                now - max(one.busy_since, one.joined if one.outcome is None else one.outcome),
                one.tokens,
            )
            for one in list(self._live.values())
        ]
        return [*live, *self._gone]

    def close(self) -> None:
        """End all replicas; safe to call twice."""
        self._live.clear()
        self._pool.close()

    # --- events -----------------------------------------------------------------------------------

    def _happened(self, event: Event, refused: list[Outcome] | None = None) -> Outcome | None:
        """Take in an event; return the outcome that it brought, if it is the first one of its job."""
        now = self._clock()
        if isinstance(event, Joined):
            self._join(event, now)
            return None
        if isinstance(event, Restarting):
            self._say(f"another replica is being started on {event.place}", lasting=False)
            return None
        if isinstance(event, Lost | Failed):
            if isinstance(event, Failed) and event.of_model and self._facts is None:
                raise ModelError(event.reason)
            found = self._drop(event.replica, event.reason, failed=isinstance(event, Failed))
            if refused is not None:
                refused += found
            return None
        one = self._live.get(event.replica)
        if one is None:
            return None
        one.sign = now
        if isinstance(event, Working):
            one.rows, one.tokens = event.rows, event.tokens
            return None
        return self._arrived(one, event.outcome, now)

    def _arrived(self, one: _Replica, outcome: Outcome, now: float) -> Outcome | None:
        one.outcome = self._finished = now
        one.alone = False
        sent = one.sent.pop(outcome.key, None)
        if self._jobs.does_not_fit(outcome, one.name):
            self._feed_all()
            return None
        one.done += 1
        first = self._jobs.answered(outcome, None if sent is None else now - sent)
        self._feed(one)
        return first

    def _join(self, event: Joined, now: float) -> None:
        known = [facts for facts in (self._like, self._facts) if facts is not None]
        if difference := next(filter(None, (_difference(facts, event.facts) for facts in known)), None):
            self._pool.end(event.replica)
            self._reasons.append(f"{event.place}: {difference}")
            self._say(f"the replica on {event.place} is not used: {difference}", lasting=True)
            return
        if self._facts is None:
            self._facts = event.facts
        elif self._jobs.ended:
            self._say(f"a replica on {event.place} joined; {len(self._live) + 1} are at work", lasting=False)
        self._live[event.replica] = one = _Replica(event.replica, event.place, now, now)
        self._feed(one)

    def _drop(self, name: str, reason: str, *, failed: bool, verb: str = "") -> list[Outcome]:
        """Forget a replica, and send its jobs elsewhere; return the refusals of those that are given up."""
        one = self._live.pop(name, None)
        self._reasons.append(f"{name if one is None else one.place}: {reason}")
        if one is None:
            self._say(f"the replica {name} did not start: {reason}", lasting=True)
            return []
        now = self._clock()
        verb = verb or ("failed" if failed else "was lost")
        since = now - (one.joined if one.outcome is None else one.outcome)
        self._gone.append(ReplicaState(name, one.place, verb, one.done, 0, now - one.joined, since, one.tokens))
        dropped = self._jobs.drop(one.sent, name, reason, failed=failed, alone=one.alone)
        rest = f"; {dropped.moved} of its requests go to others" if dropped.moved else ""
        self._say(f"the replica on {one.place} {verb}: {reason}{rest}", lasting=True)
        self._feed_all()
        return dropped.refused

    def _end_stuck(self, refused: list[Outcome]) -> None:
        now = self._clock()
        for one in [one for one in self._live.values() if one.sent]:
            silent = now - one.sign
            if self._patience.exceeded(silent, self._finished > one.sign):
                self._pool.end(one.name)
                reason = f"no sign of life for {silent:.0f} s (engine.stuck_seconds)"
                refused += self._drop(one.name, reason, failed=False, verb="was stuck and is ended")

    def _require_any(self) -> None:
        if not self._live and not self._pool.starting():
            reasons = "; ".join(dict.fromkeys(self._reasons)) or "none was started"
            raise EngineError(f"no replica of the model is left ({reasons})")

    # --- jobs -------------------------------------------------------------------------------------

    def _feed_all(self) -> None:
        for one in list(self._live.values()):
            self._feed(one)

    def _feed_idle(self) -> None:
        """Give work to replicas that have none, though none waits: at the end, what takes others very long."""
        now = self._clock()
        idle = [one for one in self._live.values() if not one.sent]
        if not idle or now - self._repeated < WAIT_SECONDS:
            return
        self._repeated = now
        for one in idle:
            self._feed(one)
        idle = [one for one in idle if not one.sent]
        slow = self._jobs.slow([other.sent for other in self._live.values()], now) if idle else []
        for number, one in enumerate(idle):
            self._send(one, slow[number :: len(idle)])

    def _feed(self, one: _Replica) -> None:
        """Send a replica more, if it has too little."""
        if one.alone:
            return
        if self._jobs.waiting:
            level = self._level()
            if len(one.sent) <= level * REFILL_BELOW:
                self._send(one, self._jobs.take(one.name, level - len(one.sent)))
        elif not one.sent:
            suspect = self._jobs.take_suspect(one.name)
            if suspect is not None:
                one.alone = True
                self._send(one, [suspect])

    def _level(self) -> int:
        """How many jobs a replica should have now."""
        replicas = max(1, len(self._live) + self._pool.starting())
        share = len(self._jobs) * self._at_once / replicas
        return max(1, min(int(self._rows * QUEUED), math.ceil(share)))

    def _send(self, one: _Replica, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        now = self._clock()
        if not one.sent:
            # It had nothing to give a sign of
            one.sign = one.busy_since = now
        on_wire = self._jobs.sent(jobs)
        one.sent.update((job.key, now) for job in on_wire)
        self._pool.send(one.name, on_wire)


def _difference(known: EngineFacts, found: EngineFacts) -> str | None:
    """Why a replica may not answer: it has not the same model; None if it has."""
    for what in sorted(known.digests.keys() & found.digests.keys()):
        if known.digests[what] != found.digests[what]:
            return f"its {what} differ from those of the others ({found.digests[what]}, not {known.digests[what]})"
    return None


def _unheard(line: str, *, lasting: bool) -> None:
    """Drop a line: the default where no one reads them."""
