"""An endpoint engine without a network: its pool answers by a function, its probe by given facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.datatypes import ChatPrompt, GenerateRequest, Message, Prompt, Reply, Request, Sampling
from harness.engines.base import Ledger, ModelSpec
from harness.engines.endpoint.engine import EndpointEngine
from harness.engines.endpoint.needs import Features
from harness.engines.endpoint.opening import Api, open_endpoint
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.sending import Answered, Failed, Sendable, Sent
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Call, Dialect, Fault, Usage, WireReply

API = Api("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", Features(True, True, True))
MESSAGES_API = Api("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", Features(False, False, False))
URL = "http://localhost:8000/v1"
QUESTION = ChatPrompt((Message("user", "2 + 2?"),))


def said(text: str, **fields: Any) -> WireReply:
    """A complete answer."""
    return WireReply(text, **{"ending": "end", **fields})


@dataclass
class FakePool:
    """Answers each call with what `answer` returns; keeps what was sent."""

    answer: Callable[[Call], WireReply | Fault]
    sent: list[Sendable] = field(default_factory=list)
    closed: int = 0
    # Only so many outcomes are there before an interrupt; the rest is in flight
    interrupt_after: int | None = None
    flying: list[Sendable] = field(default_factory=list)

    def outcome(self, call: Call) -> Sent:
        """What became of a call."""
        found = self.answer(call)
        if isinstance(found, Fault):
            return Failed(call.key, found, 3)
        return Answered(call.key, found, URL, latency=0.5, attempts=1)

    def use(self, dialect: Dialect) -> None:
        """Nothing is written here."""

    def once(self, call: Call, url: str | None = None) -> Sent:
        """One call."""
        return self.outcome(call)

    def get(self, path: str, url: str | None = None) -> object | None:
        """No documents."""
        return None

    def stream(self, calls: Sequence[Sendable]) -> Iterator[Sent]:
        """The last call is answered first: the order is the pool's."""
        self.sent += calls
        for place, sendable in enumerate(reversed(calls)):
            if place == self.interrupt_after:
                self.flying = list(calls[: len(calls) - place])
                raise KeyboardInterrupt
            yield self.outcome(sendable.call)

    @property
    def in_flight(self) -> int:
        """How many were under way at the interrupt."""
        return len(self.flying)

    def finish_in_flight(self, seconds: float) -> Iterator[Sent]:
        """What was under way at the interrupt."""
        for sendable in self.flying:
            yield self.outcome(sendable.call)

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@dataclass
class FakeConnection:
    """A pool and the facts of its server."""

    pool: FakePool
    server: ServerFacts
    needs: ProbeNeeds | None = None
    opened: list[tuple[Ledger | None, Any]] = field(default_factory=list)

    def open(self, ledger: Ledger | None, waiting: Callable[[str], None] | None) -> FakePool:
        """The pool."""
        self.opened.append((ledger, waiting))
        return self.pool

    def probe(self, pool: Any, needs: ProbeNeeds) -> ServerFacts:
        """The facts."""
        self.needs = needs
        return self.server

    def inspect(self, pool: Any, ids: tuple[int, ...]) -> ServerFacts:
        """The facts."""
        return self.server


@dataclass
class Fake:
    """An engine with its pool."""

    engine: EndpointEngine
    pool: FakePool
    connection: FakeConnection

    def replies(self, *requests: Request) -> dict[str, Reply]:
        """Check, load and answer, as a run does."""
        self.engine.check(requests)
        found = list(self.engine.stream(requests))
        assert len(found) == len({reply.key for reply in found}) == len(requests)
        return {reply.key: reply for reply in found}


def fake_engine(
    answer: Callable[[Call], WireReply | Fault],
    server: ServerFacts | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    api: Api = API,
    **spec: Any,
) -> Fake:
    """An engine whose server answers by a function."""
    pool = FakePool(answer)
    connection = FakeConnection(pool, server or ServerFacts())
    model = ModelSpec(**{"path": "org/served", "name": "served", **spec})
    engine = open_endpoint(api, model, {"url": URL, **(options or {})}, lambda target: connection)
    return Fake(engine, pool, connection)


def generation(key: str = "k", prompt: Prompt = QUESTION, **sampling: Any) -> GenerateRequest:
    """A request for a completion."""
    return GenerateRequest(key, "sums", f"s-{key}", 0, prompt, Sampling(**{"max_tokens": 8, **sampling}))


def usage(output: int | None = None, **fields: Any) -> Usage:
    """Tokens as a server counts them."""
    return Usage(output=output, **fields)
