"""A model behind a server as an engine: requests become calls, the pool sends them, answers become replies.

Building it makes no request. `load` probes the server and refuses what it cannot do before the first request of a task;
`stream` yields replies as they arrive. Guarantees: an answer is cut at the first stop string whatever the server did;
no fault of a server becomes an answer. Does not guarantee that an answer is the same when it is requested again: that
is the server's affair, and what the probe saw of it is in the facts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from harness.datatypes import Refusal, Reply, Request
from harness.engines.base import Capabilities, EngineFacts, Ledger, PromptSize
from harness.engines.endpoint.needs import Features, needs_of, refuse_by_options
from harness.engines.endpoint.notes import AnswerChanges, notes_of_server
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.prepared import Prepared, Prompts
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.replies import is_empty, reply_to_fault
from harness.engines.endpoint.sending import Failed, Pool, Sendable, Sent
from harness.engines.endpoint.server import ServerFacts
from harness.errors import ConfigError, EngineError


class Connection(Protocol):
    """How an engine gets to its server."""

    def open(self, ledger: Ledger | None, waiting: Callable[[str], None] | None) -> Pool:
        """Open the pool. Sends nothing."""

    def probe(self, pool: Pool, needs: ProbeNeeds) -> ServerFacts:
        """Find out what the server does, and have the pool use it.

        Raises ConfigError where the server lacks what is needed, EngineError where it does not answer.
        """

    def inspect(self, pool: Pool, ids: tuple[int, ...]) -> ServerFacts:
        """Find out everything; what the server lacks is in the facts. Raises ConfigError, EngineError."""


class EndpointEngine:
    """One model behind one or several servers."""

    def __init__(
        self,
        options: EndpointOptions,
        features: Features,
        prompts: Prompts,
        connection: Connection,
        facts: EngineFacts,
        lacking: str | None = None,
    ) -> None:
        """`facts` are what is known without a request; `lacking`: why none can be sent."""
        self._lacking = lacking
        self._options = options
        self._features = features
        self._prompts = prompts
        self._connection = connection
        self._facts = facts
        self._needs = ProbeNeeds(prompts.way)
        self._ledger: Ledger | None = None
        self._waiting: Callable[[str], None] | None = None
        self._pool: Pool | None = None
        self._server: ServerFacts | None = None
        self._streaming = False
        # By the key of each call, until the reply was taken: an interrupt may come between the two
        self._pending: dict[str, Prepared] = {}
        self._changes = AnswerChanges()

    def capabilities(self) -> Capabilities:
        """What the protocol and the options allow; what the server lacks of it is refused in `load`."""
        exact = self._prompts.way == "exact"
        return Capabilities(
            answers_by="prompt",
            independent=False,
            concurrency=self._options.concurrency,
            # Refused in `check`, where the message says what they need
            loglikelihoods=self._features.completions,
            prefill=self._prompts.way != "text",
            token_ids=exact,
            seeds=self._features.seeds,
            contexts=self._features.completions,
            # Refused in `check`, where the message says what to set instead
            reasoning_budgets=True,
        )

    def facts(self) -> EngineFacts:
        """Complete after `load`; changes of the server in mid-run are added as they are seen."""
        return replace(self._facts, notes=(*self._facts.notes, *self._changes.notes()))

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what the options rule out, and note what the server must be able to do. Raises ConfigError."""
        refuse_by_options(requests, self._prompts.way, self._features)
        unread = self._prompts.check(requests)
        self._facts = replace(self._facts, notes=tuple(dict.fromkeys([*self._facts.notes, *unread])))
        self._needs = needs_of(requests, self._prompts.way, self._prompts.probe_ids())

    def measure(self, request: Request) -> PromptSize:
        """Count with the tokenizer, or estimate by the length of the text. Raises EngineError."""
        return self._prompts.size(request)

    def ready(self) -> None:
        """Raise ConfigError where no request can be sent: a key is missing."""
        if self._lacking is not None:
            raise ConfigError(self._lacking)

    def account_to(self, ledger: Ledger, waiting: Callable[[str], None]) -> None:
        """Record every attempt in `ledger`, the probe's too: to be called before `load`."""
        self._ledger, self._waiting = ledger, waiting

    def load(self) -> None:
        """Probe the server. Raises ConfigError for what it cannot do, EngineError where it does not answer."""
        if self._server is not None:
            return
        self.ready()
        if self._pool is None:
            self._pool = self._connection.open(self._ledger, self._waiting)
        server = self._connection.probe(self._pool, self._needs)
        self._server = server
        self._facts = replace(
            self._facts,
            context_window=self._options.context_window or server.window or self._facts.context_window,
            notes=(*self._facts.notes, *notes_of_server(server, self._needs)),
            server=server.as_facts(),
            deterministic=server.deterministic,
        )

    def inspect(self) -> ServerFacts:
        """Find out everything about the server, and close the connections. Raises ConfigError, EngineError."""
        self.ready()
        self._pool = self._connection.open(self._ledger, self._waiting)
        try:
            return self._connection.inspect(self._pool, self._prompts.probe_ids())
        finally:
            self.close()

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer each request once; what cannot be sent is refused first.

        Raises EngineError for a second stream, and where the run cannot go on; ConfigError for a refused key or model.
        """
        if self._streaming:
            raise EngineError("the engine is answering another stream; finish or close that one first")
        self._streaming = True
        try:
            yield from self._stream(requests)
        finally:
            self._streaming = False

    def in_flight(self) -> int:
        """How many calls were sent and have no answer yet."""
        return 0 if self._pool is None else self._pool.in_flight

    def finish_in_flight(self, seconds: float) -> Iterator[Reply]:
        """Send nothing more; yield the replies that arrive within so many seconds, and the last one again.

        An answer that is empty for the first time is left out: the resumed run requests it, as this one would have.
        """
        if self._pool is None:
            return
        for sent in self._pool.finish_in_flight(seconds):
            prepared = self._completed_by(sent)
            if prepared is not None and not self._worth_repeating(prepared):
                yield self._reply(prepared, 0.0)
                self._taken(prepared)

    def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        self.load()
        assert self._server is not None
        self._pending = {}
        calls: list[Sendable] = []
        for request in requests:
            prepared = self._prompts.prepare(request, self._server)
            if isinstance(prepared, Refusal):
                yield prepared
                continue
            calls += prepared.calls
            self._pending.update((sendable.call.key, prepared) for sendable in prepared.calls)
        while calls:
            again: list[Sendable] = []
            yield from self._send(calls, again)
            calls = again

    def _send(self, calls: Sequence[Sendable], again: list[Sendable]) -> Iterator[Reply]:
        """Send calls and yield the replies; a call whose answer is empty for the first time is put into `again`.

        A reply's seconds are those that the engine waited for it since the reply before, so that they sum up to the
        engine's time.
        """
        assert self._pool is not None
        outcomes = self._pool.stream(calls)
        waited = 0.0
        while True:
            before = time.perf_counter()
            sent = next(outcomes, None)
            waited += time.perf_counter() - before
            if sent is None:
                return
            prepared = self._completed_by(sent)
            if prepared is None:
                continue
            if self._worth_repeating(prepared):
                prepared.repeat()
                again += prepared.calls
                continue
            reply = self._reply(prepared, waited)
            waited = 0.0
            yield reply
            self._taken(prepared)

    def _completed_by(self, sent: Sent) -> Prepared | None:
        """The request that an outcome completes, None if other calls of it are still under way."""
        prepared = self._pending.get(sent.key)
        if prepared is None:
            raise EngineError(f"a call was answered twice or was never sent: {sent.key}")
        prepared.outcomes[sent.key] = sent
        if not isinstance(sent, Failed):
            self._changes.see(sent.reply, sent.url)
        return prepared if prepared.complete else None

    def _taken(self, prepared: Prepared) -> None:
        """Forget a request whose reply was taken."""
        for sendable in prepared.calls:
            del self._pending[sendable.call.key]

    def _worth_repeating(self, prepared: Prepared) -> bool:
        if prepared.repeated or prepared.failed is not None or not prepared.generates:
            return False
        return is_empty(prepared.answers[0].reply)

    def _reply(self, prepared: Prepared, seconds: float) -> Reply:
        assert self._server is not None
        if (failed := prepared.failed) is not None:
            return reply_to_fault(prepared.request, failed.fault, self._options.overflow)
        return self._prompts.reply(prepared, self._server, seconds)
