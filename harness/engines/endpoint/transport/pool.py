"""The pool: an event loop in a thread of its own that sends calls, and the synchronous face of it."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from harness.engines.base import Ledger
from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Sendable, Sent
from harness.engines.endpoint.transport.connections import Connections, Waits
from harness.engines.endpoint.transport.dispatch import Dispatch
from harness.engines.endpoint.transport.first_answer import DOCUMENT_SECONDS, FirstAnswer
from harness.engines.endpoint.transport.pace import Pace
from harness.engines.endpoint.transport.run_health import refused_key
from harness.engines.endpoint.transport.session import Clock, Once, Session
from harness.engines.endpoint.transport.site import Backoff, Site
from harness.engines.endpoint.wire import Call, Dialect, Wire
from harness.errors import ConfigError, EngineError

Value = TypeVar("Value")
# After a stream is closed, requests in flight live so long unless `finish_in_flight` takes them over: an interrupt
# closes the stream on its way to the code that calls that
GRACE_SECONDS = 2.0
CLOSE_SECONDS = 10.0
GET_ATTEMPTS = 3
# Statuses that say that there is no such document
NO_DOCUMENT = frozenset({400, 403, 404, 405, 406, 410, 501})


class RealTime:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds since any moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class HttpPool:
    """Sends calls to one or several base URLs of one model; see `sending.Pool` for what it guarantees.

    Used from one thread. `ledger` records the attempts and `waiting` hears what is waited for; both may come later
    (`account_to`), as may the dialect (`use`).
    """

    def __init__(
        self,
        urls: Sequence[str],
        wire: Wire,
        model: str,
        options: EndpointOptions,
        key: str | None = None,
        *,
        dialect: Dialect | None = None,
        ledger: Ledger | None = None,
        waiting: Callable[[str], None] | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """Connect to nothing yet. Raises ConfigError without a URL."""
        if not urls:
            raise ConfigError("engine.url names no server")
        self._session = Session(
            wire,
            model,
            dialect or Dialect(extra=options.extra_body),
            options,
            clock or RealTime(),
            backoff or Backoff(),
            ledger,
            waiting,
            keyed=key is not None,
        )
        self._sites = [Site(url, Connections(url, wire, key), Pace(options.concurrency)) for url in dict.fromkeys(urls)]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._run: Dispatch | None = None

    def use(self, dialect: Dialect) -> None:
        """Write all further calls in this dialect."""
        self._session.dialect = dialect

    def account_to(self, ledger: Ledger | None, waiting: Callable[[str], None] | None) -> None:
        """Record every further attempt in `ledger`; call `waiting` with what is waited for ("" when it is over)."""
        self._session.ledger = ledger
        self._session.waiting = waiting

    def once(self, call: Call, url: str | None = None) -> Sent:
        """Send one call and wait for it, with few retries. Raises ConfigError, EngineError, StorageError."""
        sites = [site for site in self._sites if url is None or site.url == url]
        if not sites:
            raise ConfigError(f"engine.url does not name {url}")
        [sent] = self._outcomes(self._begin([Sendable(call)], sites, Once()))
        return sent

    def get(self, path: str, url: str | None = None) -> object | None:
        """GET a JSON document below the base URL; None where the server has none.

        Raises ConfigError for a refused key, EngineError for a server that cannot be reached.
        """
        return self._wait(self._get(path, next((site for site in self._sites if site.url == url), self._sites[0])))

    def stream(self, calls: Sequence[Sendable]) -> Iterator[Sent]:
        """Send all calls, yield outcomes as they come. Raises ConfigError, EngineError, StorageError."""
        run = self._begin(calls, self._sites, None)
        try:
            yield from self._outcomes(run)
        finally:
            self._soon_if_open(self._leave, run)

    def finish_in_flight(self, seconds: float) -> Iterator[Sent]:
        """Send nothing more; yield the outcomes of what is in flight, for so many seconds at most."""
        run = self._run
        if run is None:
            return
        self._run = None
        self._soon_if_open(run.drain)
        until = time.monotonic() + seconds
        try:
            while True:
                # A stream that ended says nothing more
                patience = 0.0 if run.ended else max(0.0, until - time.monotonic())
                message = run.messages.get(timeout=patience)
                if message is None:
                    break
                # What was in flight when a run failed comes after its error
                if not isinstance(message, BaseException):
                    yield message
                    run.untaken.pop(message.key, None)
        except queue.Empty:
            pass
        finally:
            self._soon_if_open(run.stop)
        # Read before the interrupt, and not passed on
        yield from list(run.untaken.values())

    @property
    def in_flight(self) -> int:
        """Calls that were sent and have no outcome yet."""
        return 0 if self._run is None else self._run.in_flight

    def close(self) -> None:
        """Close all connections and end the thread, whatever is under way; safe to call twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._loop = self._thread = None
        # The thread ends its tasks itself, so that a second interrupt in this method leaves none behind
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_SECONDS)

    # --- between the threads -------------------------------------------------------------------

    def _begin(self, calls: Sequence[Sendable], sites: Sequence[Site], once: Once | None) -> Dispatch:
        if self._run is not None and not self._run.ended:
            self._soon(self._run.stop)
        run = self._run = Dispatch(self._session, sites, calls, once)
        self._soon(run.start)
        return run

    def _outcomes(self, run: Dispatch) -> Iterator[Sent]:
        while True:
            try:
                message = run.messages.get(timeout=5.0)
            except queue.Empty:
                if self._thread is None or not self._thread.is_alive():
                    raise EngineError("the pool of connections was closed while calls were open") from None
                continue
            if message is None:
                return
            if isinstance(message, BaseException):
                raise message
            yield message
            run.untaken.pop(message.key, None)

    def _leave(self, run: Dispatch) -> None:
        """The consumer has left: send nothing more, and cancel what is in flight after a moment."""
        if not run.ended:
            run.drain()
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._cancel_left, run)

    def _cancel_left(self, run: Dispatch) -> None:
        if run is self._run:
            run.stop()

    async def _shut(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for site in self._sites:
            await site.connections.close()

    async def _get(self, path: str, site: Site) -> object | None:
        session = self._session
        for attempt in range(1, GET_ATTEMPTS + 1):
            idle = min(session.options.idle_seconds, DOCUMENT_SECONDS)
            waits = Waits(min(session.options.connect_seconds, idle), idle, idle)
            with FirstAnswer(site, session.waiting):
                tried, document = await site.connections.get(path, waits)
            site.heard |= tried.reached
            fault = tried.fault
            if fault is None:
                return document
            if tried.status in NO_DOCUMENT or (tried.status is not None and tried.status < 400):
                return None
            if fault.kind == "refused_key":
                raise refused_key(fault, session.keyed)
            if fault.kind == "timeout" and tried.status is None:
                # A busy server may not answer this; whether one is there at all, the first request shows
                return None
            wait = fault.wait or session.backoff.wait(attempt)
            if tried.reached and wait > DOCUMENT_SECONDS:
                # No document is worth a long and silent wait; what the server asks for, the first request shows
                return None
            if fault.retry and attempt < GET_ATTEMPTS:
                await session.clock.sleep(wait)
            elif not tried.reached:
                raise EngineError(f"{fault.message}; see --endpoint (engine.url)")
        return None

    def _soon(self, act: Callable[..., None], *arguments: Any) -> None:
        """Let the loop's thread do something; start it if need be."""
        self._running_loop().call_soon_threadsafe(act, *arguments)

    def _soon_if_open(self, act: Callable[..., None], *arguments: Any) -> None:
        """The same, unless the pool is closed: what is left of a stream needs no new thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(act, *arguments)

    def _wait(self, work: Coroutine[Any, Any, Value]) -> Value:
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            return future.result()
        finally:
            # After an interrupt here the result is not needed
            future.cancel()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(self._unhandled)
            thread = threading.Thread(target=self._serve, args=(loop,), name="endpoint-pool", daemon=True)
            thread.start()
            self._loop, self._thread = loop, thread
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """The thread: run the loop until it is stopped, then end what is left in it."""
        loop.run_forever()
        loop.run_until_complete(self._shut())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error in a callback ends the stream with it. An error without a stream is not printed."""
        run, error = self._run, context.get("exception")
        if "handle" in context and isinstance(error, BaseException) and run is not None:
            run.stop(error)
