"""What the engine gives to the pool of connections, and what it gets back. No network here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.engines.endpoint.wire import Call, Dialect, Fault, WireReply


@dataclass(frozen=True, slots=True)
class Sendable:
    """One call to send. `prefix`: calls that share it go to one URL, whose cache has it.

    `prompt_tokens` and `most_output` are the worst case of its cost; `stop`: strings at which the answer is complete,
    so that a stream may be closed there.
    """

    call: Call
    prefix: str = ""
    prompt_tokens: int = 0
    most_output: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call. `latency` in seconds, of the attempt that succeeded; `url` is the base URL that gave it."""

    key: str
    reply: WireReply
    url: str
    latency: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that was given up: its last fault."""

    key: str
    fault: Fault
    attempts: int


Sent = Answered | Failed


class Pool(Protocol):
    """Sends calls to one or several URLs of one model.

    Guarantees: each call has exactly one outcome; no more requests run at once than the server bears; a wait that a
    server asks for holds for the whole URL. Raises ConfigError for a refused key or model (after one request),
    EngineError when the run cannot go on (quota, budget, nothing succeeds).
    """

    def use(self, dialect: Dialect) -> None:
        """Write all further calls in this dialect."""

    def once(self, call: Call, url: str | None = None) -> Sent:
        """Send one call and wait for it, with few retries: for the start probe."""

    def get(self, path: str, url: str | None = None) -> object | None:
        """GET a JSON document below the base URL (`/models`); None where the server has none."""

    def stream(self, calls: Sequence[Sendable]) -> Iterator[Sent]:
        """Send all calls, yield outcomes as they come."""

    def finish_in_flight(self, seconds: float) -> Iterator[Sent]:
        """Send nothing more; yield the outcomes of what is in flight, for so many seconds at most.

        An outcome that `stream` yielded last, and after which it was not continued, is yielded again.
        """

    @property
    def in_flight(self) -> int:
        """Calls that were sent and have no outcome yet."""

    def close(self) -> None:
        """Close all connections; safe to call twice."""
