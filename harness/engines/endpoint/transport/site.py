"""One server as the pool sees it: its connections, its pace, and whether it is paused, weak or dead."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from harness.engines.endpoint.transport.connections import Attempted, Connections
from harness.engines.endpoint.transport.pace import Pace

# Attempts in a row that did not reach the server, after which its calls go to the others
DEAD_AFTER = 3
# Seconds until a dead server is tried again: doubled each time up to the longest
DEAD_SECONDS, LONGEST_DEAD = 30.0, 600.0
# Headers name when the whole quota is back, and a part of it is back earlier: no longer pause by them, in seconds
LONGEST_PACE = 5.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts, in seconds: `first`, doubled up to `longest`, each longer by up to `jitter` of itself."""

    first: float = 1.0
    longest: float = 60.0
    jitter: float = 0.25

    def wait(self, failures: int) -> float:
        """The wait after so many failures in a row (1 or more)."""
        return float(min(self.longest, self.first * 2.0 ** min(failures - 1, 30)) * self.stretch())

    def stretch(self) -> float:
        """A factor of 1 or a little more, so that clients do not come back at the same moment."""
        return 1 + random.random() * self.jitter


@dataclass(slots=True)
class Site:
    """State of one URL; times are in seconds of the pool's clock.

    `heard`: it has sent a status; `served`: it has given a reply; `watched`: the wait for its first answer is stated,
    which began at `awaited_since` (of the machine's clock).
    """

    url: str
    connections: Connections
    pace: Pace
    paused_until: float = 0.0
    faults: int = 0
    unreached: int = 0
    pauses: int = 0
    heard: bool = False
    served: bool = False
    watched: bool = False
    awaited_since: float | None = None
    dead_until: float | None = None
    deaths: int = 0
    why: str = ""

    def room(self, now: float) -> bool:
        """Whether another request may be sent now: only one at a time while everything fails."""
        if now < self.paused_until or (self.dead_until is not None and now < self.dead_until):
            return False
        weak = self.dead_until is not None or self.faults > max(2, self.pace.limit)
        return self.pace.in_flight < (1 if weak else self.pace.limit)

    def answered(self, now: float, tried: Attempted) -> None:
        """An attempt was answered."""
        self.heard = self.served = True
        self.faults = self.unreached = self.pauses = self.deaths = 0
        self.dead_until = None
        if tried.pace > 0:
            self.pause(now + min(tried.pace, LONGEST_PACE))

    def failed(self, now: float, tried: Attempted, backoff: Backoff) -> None:
        """An attempt failed in a way that another may not: keep the pace, and pause where the server asks for it."""
        fault = tried.fault
        assert fault is not None
        self.faults += 1
        self.unreached = 0 if tried.reached or fault.kind == "timeout" else self.unreached + 1
        self.why = f"{_shortly(tried)} x{self.faults}"
        if fault.wait is not None:
            self.pace.refused(now, fault.wait)
            self.pause(now + fault.wait * (1 + (backoff.stretch() - 1) / 5) + 0.01)
        elif fault.status in (429, 529):
            self.pace.refused(now, 0.0)
        elif fault.kind == "timeout" or not tried.reached:
            self.pace.timed_out(now)
        if self.faults > max(2, self.pace.limit) and now >= self.paused_until:
            self.pauses += 1
            self.pause(now + backoff.wait(self.pauses))

    def pause(self, until: float) -> None:
        """Send nothing before a time."""
        self.paused_until = max(self.paused_until, until)

    def looks_dead(self) -> bool:
        """Whether too many attempts in a row did not reach the server."""
        return self.unreached >= DEAD_AFTER or (self.dead_until is not None and self.unreached > 0)

    def bury(self, now: float) -> None:
        """Send nothing for a while."""
        self.deaths += 1
        self.dead_until = now + min(LONGEST_DEAD, DEAD_SECONDS * 2.0 ** min(self.deaths - 1, 10))

    def next_change(self, now: float) -> float | None:
        """When it may be sent to again, if it may not be now for a reason of time."""
        later = [at for at in (self.paused_until, self.dead_until) if at is not None and at > now]
        return max(later, default=None)


def waiting_line(site: Site, seconds: float, several: bool) -> str:
    """Say that a server is waited for, and why; `several`: which one it is."""
    where = f" {site.connections.host}" if several else ""
    why = f" ({site.why})" if site.why else ""
    return f"waiting {math.ceil(seconds)} s for the server{where}{why}"


def _shortly(tried: Attempted) -> str:
    """A fault in a word or two. A body may hold an error with a status of its own: the answer's is what counts."""
    fault = tried.fault
    assert fault is not None
    if tried.status is not None and tried.status >= 300:
        return str(tried.status)
    if fault.kind == "server_error":
        return "error in the answer" if tried.reached else "no connection"
    return fault.kind.replace("_", " ")
