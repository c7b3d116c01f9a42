"""What the calls of one pool share (protocol, dialect, clock, ledger), and what is known of each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.engines.base import Ledger
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.transport.connections import Attempted
from harness.engines.endpoint.transport.site import Backoff, Site
from harness.engines.endpoint.wire import Call, ChoiceCall, Dialect, Fault, GenerateCall, ScoreCall, Wire


class Clock(Protocol):
    """Time for waits between attempts; tests have one of their own."""

    def now(self) -> float:
        """Seconds since any moment."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(slots=True)
class Session:
    """What all streams of a pool share. `proven`: a server has accepted the key and the model. `keyed`: one is sent."""

    wire: Wire
    model: str
    dialect: Dialect
    options: EndpointOptions
    clock: Clock
    backoff: Backoff
    ledger: Ledger | None
    waiting: Callable[[str], None] | None
    proven: bool = False
    keyed: bool = True


@dataclass(slots=True, eq=False)
class Job:
    """One call and its attempts so far. Times are in seconds of the clock; `fault`: the last, while the call waits."""

    item: Sendable
    attempts: int = 0
    began_at: float = 0.0
    errors_500: int = 0
    others_before: int = 0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """A single call of the start probe: so many attempts at most, and no budget."""

    attempts: int = 4

    def most_attempts(self, site: Site, tried: Attempted) -> int:
        """Fewer where another is of no use: a server that never sent anything, or that sends what is no JSON object."""
        if not site.heard and tried.fault is not None and tried.fault.kind == "timeout":
            return 1
        return min(2, self.attempts) if tried.no_object and not site.served else self.attempts


def most_tokens(call: Call) -> int:
    """The most new tokens of a call."""
    return call.sampling.max_tokens if isinstance(call, GenerateCall) else 1


def prompt_length(call: Call) -> int:
    """Tokens of a prompt that is scored; 0 where it is not known."""
    return len(call.ids) if isinstance(call, ScoreCall | ChoiceCall) else 0
