"""The jobs of one stream that have no outcome yet: which wait, which are suspect, and which are given up. No replicas.

A job that was in a replica that failed, or in two that were lost, is suspect: it runs again alone. Of those that fail
again so, the job is refused and the others are cleared. One that does not fit into a replica's memory also runs alone,
in another, and is refused when it fits into none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from harness.engines.hf.token_jobs import Job, Outcome, Refused
from harness.engines.replicas.waiting import WaitingJobs

# Replicas that are lost with the same job before it runs alone: machines are also lost for other reasons
LOSSES = 2
# At the end, a job that takes so many times as long as the mean is done by an idle replica too
SLOW = 2.0
SLOW_SECONDS = 5.0


@dataclass(slots=True)
class _Unanswered:
    """A job without outcome: in how many replicas it is now, and how often one was lost with it.

    `suspect`: it may be what made a replica fail, so it runs alone; it waits for that while in no replica. So does one
    that was refused for want of memory: `too_small` are the replicas that did, `refusal` what they said.
    """

    job: Job
    copies: int = 0
    losses: int = 0
    suspect: str = ""
    too_small: set[str] = field(default_factory=set)
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """What becomes of a replica's jobs: how many go to others, and the outcomes of those that are given up."""

    moved: int
    refused: list[Outcome]


class OpenJobs:
    """Jobs by their key on the wire, which has the stream in it: late answers of an earlier one are ignored."""

    def __init__(self, jobs: Sequence[Job] = (), replicas: int = 1, stream: int = 0) -> None:
        """Order and cut the jobs of a stream for about so many replicas."""
        self._stream = stream
        self._open = {self._wire(job.key): _Unanswered(job) for job in jobs}
        self._waiting = WaitingJobs(jobs, replicas)
        self._suspects: deque[str] = deque()
        self._seconds, self._ended = 0.0, 0

    def __len__(self) -> int:
        """How many have no outcome."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """How many no replica has; without the suspects."""
        return len(self._waiting)

    @property
    def ended(self) -> int:
        """How many have an outcome."""
        return self._ended

    # --- to replicas ------------------------------------------------------------------------------

    def take(self, replica: str, count: int) -> list[Job]:
        """The next jobs for a replica, so many at most."""
        return self._waiting.take(replica, count)

    def take_suspect(self, replica: str) -> Job | None:
        """The next job that is to run alone and may run in this replica."""
        key = next((key for key in self._suspects if replica not in self._open[key].too_small), None)
        if key is None:
            return None
        self._suspects.remove(key)
        return self._open[key].job

    def sent(self, jobs: Iterable[Job]) -> list[Job]:
        """Count a copy of each; return them with their keys on the wire."""
        on_wire = []
        for job in jobs:
            key = self._wire(job.key)
            self._open[key].copies += 1
            on_wire.append(replace(job, key=key))
        return on_wire

    def slow(self, since: Iterable[Mapping[str, float]], now: float) -> list[Job]:
        """Jobs to repeat: those that one replica has had for much longer than a job takes, the longest first.

        `since`: of each replica, when its jobs were sent.
        """
        mean = self._seconds / self._ended if self._ended else float("inf")
        limit = max(SLOW_SECONDS, SLOW * mean)
        slow = [
            (sent, key)
            for jobs in since
            for key, sent in jobs.items()
            if now - sent > limit
            and (found := self._open.get(key))
            and found.copies == 1
            and not (found.suspect or found.too_small)
        ]
        return [self._open[key].job for _, key in sorted(slow)]

    # --- from replicas ----------------------------------------------------------------------------

    def does_not_fit(self, outcome: Outcome, replica: str) -> bool:
        """Take in an outcome that is a refusal for want of memory: another replica may have more of it."""
        unanswered = self._open.get(outcome.key)
        if unanswered is None or not isinstance(outcome, Refused) or outcome.kind != "memory":
            return False
        unanswered.copies -= 1
        unanswered.too_small.add(replica)
        unanswered.refusal = outcome
        if not unanswered.copies:
            self._suspects.append(outcome.key)
        return True

    def answered(self, outcome: Outcome, seconds: float | None) -> Outcome | None:
        """Take in an outcome, and how long it took; return it with the job's own key if it is the first one."""
        unanswered = self._open.pop(outcome.key, None)
        if unanswered is None:
            return None
        if seconds is not None:
            self._seconds += seconds
            self._ended += 1
        return replace(outcome, key=unanswered.job.key)

    def drop(self, keys: Iterable[str], replica: str, reason: str, *, failed: bool, alone: bool) -> Dropped:
        """Put back the jobs of a replica that is gone. `alone`: it had been given one suspect job and no other."""
        again: list[Job] = []
        refused: list[Outcome] = []
        moved = 0
        for key in keys:
            unanswered = self._open.get(key)
            if unanswered is None:
                continue
            unanswered.copies -= 1
            unanswered.losses += not failed
            if unanswered.copies:
                continue
            if alone and (failed or unanswered.losses > LOSSES):
                del self._open[key]
                message = f"this request ended several replicas, the last one while it ran alone: {reason}"
                refused.append(Refused(unanswered.job.key, "replica", message))
                if unanswered.suspect:
                    self._acquit(unanswered.suspect)
                continue
            moved += 1
            if failed or unanswered.suspect or unanswered.losses >= LOSSES:
                unanswered.suspect = unanswered.suspect or replica
                self._suspects.append(key)
            elif unanswered.too_small:
                self._suspects.append(key)
            else:
                again.append(unanswered.job)
        self._waiting.put_back(again)
        return Dropped(moved, refused)

    def fitting_nowhere(self, replicas: Set[str]) -> list[Outcome]:
        """Refusals of jobs that every one of the replicas refused for want of memory."""
        found: list[Outcome] = []
        for key in [key for key in self._suspects if replicas and replicas <= self._open[key].too_small]:
            self._suspects.remove(key)
            unanswered = self._open.pop(key)
            assert unanswered.refusal is not None
            found.append(replace(unanswered.refusal, key=unanswered.job.key))
        return found

    def _acquit(self, replica: str) -> None:
        """The job that made a replica fail is found: the others that were in it run as usual again."""
        free = [key for key in self._suspects if self._open[key].suspect == replica]
        self._suspects = deque(key for key in self._suspects if self._open[key].suspect != replica)
        for key in free:
            self._open[key].suspect = ""
        self._waiting.put_back([self._open[key].job for key in free])

    def _wire(self, key: str) -> str:
        return f"{self._stream}:{key}"
