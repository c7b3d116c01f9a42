"""One attempt at one call over HTTP: send it, read the answer or its events, and say what became of it.

All methods run in the pool's event loop. Nothing is retried here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.transport.events import EventSplitter, StopFinder
from harness.engines.endpoint.transport.faults import transport_fault
from harness.engines.endpoint.wire import (
    Call,
    Dialect,
    EventReader,
    Fault,
    GenerateCall,
    HttpCall,
    Wire,
    WireError,
    WireReply,
)

if TYPE_CHECKING:
    import ssl

    import httpx2

# Shorter answers come whole: events cost processor time, and a proxy does not cut so short a wait
STREAM_FROM_TOKENS = 129
# After the end of an answer, so long for the end of its connection's data
END_SECONDS = 5.0
# The longest text of an error that is read
MOST_ERROR_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: to connect, between two events, and for the whole attempt."""

    connect: float
    idle: float
    total: float


@dataclass(slots=True)
class Attempted:
    """What one attempt came to: a reply or a fault. `reached`: the server sent a status.

    `events` and `chars` are what was read of the answer, where it was streamed; `pace`: seconds to wait before the next
    request, by the headers of a good answer. `stale`: seconds lost on a connection that the server had closed (None:
    none were). `no_object`: an answer with status 200 was no JSON object, and not the beginning of one.
    """

    started_at: float
    seconds: float = 0.0
    status: int | None = None
    reached: bool = False
    reply: WireReply | None = None
    fault: Fault | None = None
    events: int = 0
    chars: int = 0
    pace: float = 0.0
    stale: float | None = None
    no_object: bool = False


class Connections:
    """The connections to one base URL.

    Each has a client of its own: httpx2's pool looks at all its connections for each request, which with some hundred
    connections costs more than everything else together.
    """

    def __init__(self, base: str, wire: Wire, key: str | None) -> None:
        """Connect to nothing yet."""
        parts = urlsplit(base)
        self.base = base
        self.host = parts.netloc.rpartition("@")[2]
        self._parts = parts
        self._wire = wire
        self._headers = {
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": "harness",
            **wire.headers(key),
        }
        self._targets: dict[str, httpx2.URL] = {}
        self._free: list[httpx2.AsyncClient] = []
        self._all: list[httpx2.AsyncClient] = []
        self._context: ssl.SSLContext | None = None

    async def post(
        self, item: Sendable, http: HttpCall, waits: Waits, accepted: Callable[[], None], heard: Callable[[], None]
    ) -> Attempted:
        """Send a call. `accepted` is called when the server begins to answer, `heard` for each event of a stream."""
        # Without events nothing comes until the answer is complete
        idle = waits.idle if http.stream else waits.total
        request = self._request("POST", http.path, waits.connect, idle, json.dumps(http.body).encode())
        exchange = _Exchange(self._wire, item, accepted, heard)
        await self._send(request, waits.total, exchange.read, exchange.tried, lambda: exchange.complete)
        exchange.settle()
        return exchange.tried

    async def get(self, path: str, waits: Waits) -> tuple[Attempted, object | None]:
        """GET a JSON document: what became of it, and the document (None if there was none)."""
        tried = Attempted(time.time())
        documents: list[object] = []

        async def read(response: httpx2.Response, limit: asyncio.Timeout) -> None:
            tried.status, tried.reached = response.status_code, True
            body = await response.aread()
            if response.status_code != 200:
                tried.fault = self._wire.fault(response.status_code, dict(response.headers), body[:MOST_ERROR_BYTES])
                return
            document = parsed(body)
            if isinstance(document, Fault):
                tried.fault = document
            else:
                documents.append(document)

        request = self._request("GET", path, waits.connect, waits.idle, None)
        await self._send(request, waits.total, read, tried, lambda: False)
        return tried, documents[0] if documents else None

    async def close(self) -> None:
        """Close every connection."""
        clients, self._all, self._free = self._all, [], []
        await asyncio.gather(*(client.aclose() for client in clients), return_exceptions=True)

    async def _send(
        self, request: httpx2.Request, total: float, read: Any, tried: Attempted, complete: Callable[[], bool]
    ) -> None:
        """Send a request and let `read` read the answer; whatever goes wrong on the way becomes the attempt's fault.

        A connection that breaks after the answer was complete harms nothing. One that was used before and ends before
        any byte of the answer had been closed by the server, as servers close idle ones: the request is sent again at
        once, on a new connection, and only once.
        """
        import httpx2

        began = time.perf_counter()
        reused = _Reused(bool(self._free))
        client = self._free.pop() if self._free else self._new_client()
        if reused.still:
            request.extensions["trace"] = reused.see
        try:
            async with asyncio.timeout(total) as limit:
                try:
                    response = await client.send(request, stream=True)
                except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
                    if not reused.still or reused.answered:
                        raise
                    tried.stale = time.perf_counter() - began
                    response = await client.send(request, stream=True)
                try:
                    await read(response, limit)
                finally:
                    await response.aclose()
        except WireError as error:
            tried.fault = error.fault
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            if not complete():
                tried.fault = transport_fault(error, self.host, tried.reached, total)
        finally:
            tried.seconds = time.perf_counter() - began
            if client in self._all:
                self._free.append(client)

    def _request(self, method: str, path: str, connect: float, idle: float, content: bytes | None) -> httpx2.Request:
        import httpx2

        target = self._targets.get(path)
        if target is None:
            # A query of the base URL (`?api-version=`) stays at the end
            parts = self._parts._replace(path=self._parts.path.rstrip("/") + path)
            target = self._targets[path] = httpx2.URL(urlunsplit(parts))
        timeout = {"connect": connect, "read": idle, "write": idle, "pool": None}
        return httpx2.Request(method, target, headers=self._headers, content=content, extensions={"timeout": timeout})

    def _new_client(self) -> httpx2.AsyncClient:
        import httpx2

        local = self._parts.hostname in ("localhost", "127.0.0.1", "::1")
        if self._context is None:
            self._context = _unused_context() if local and self._parts.scheme == "http" else httpx2.create_ssl_context()
        limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1)
        # Proxies of the environment are for other hosts
        client = httpx2.AsyncClient(verify=self._context, limits=limits, trust_env=not local, follow_redirects=False)
        self._all.append(client)
        return client


class _Reused:
    """Whether a request went over a connection that was used before: `still`, until a new one is opened."""

    def __init__(self, reused: bool) -> None:
        self.still = reused
        self.answered = False

    async def see(self, event: str, details: Any) -> None:
        if event == "connection.connect_tcp.started":
            self.still = False
        elif event == "http11.receive_response_headers.complete":
            self.answered = True


class _Exchange:
    """Reads the answer to one call."""

    def __init__(self, wire: Wire, item: Sendable, accepted: Callable[[], None], heard: Callable[[], None]) -> None:
        self._wire = wire
        self._item = item
        self._accepted = accepted
        self._heard = heard
        self._reader: EventReader | None = None
        self._stopped = False
        self.tried = Attempted(time.time())

    @property
    def complete(self) -> bool:
        return self.tried.reply is not None or (self._reader is not None and self._reader.complete)

    async def read(self, response: httpx2.Response, limit: asyncio.Timeout) -> None:
        tried = self.tried
        tried.status, tried.reached = response.status_code, True
        headers = dict(response.headers)
        if not 200 <= response.status_code < 300:
            body = await response.aread()
            tried.fault = self._wire.fault(response.status_code, headers, body[:MOST_ERROR_BYTES])
            return
        self._accepted()
        tried.pace = self._wire.pace(headers)
        if headers.get("content-type", "").startswith("text/event-stream"):
            await self._events(response, limit)
        else:
            body = await response.aread()
            document = parsed(body)
            if isinstance(document, Fault):
                tried.fault = document
                tried.no_object = not body.lstrip().startswith(b"{")
            elif not isinstance(document, Mapping):
                tried.fault = _broken("the answer is no JSON object")
                tried.no_object = True
            else:
                tried.reply = self._wire.read(self._item.call, document)

    def settle(self) -> None:
        """Turn what was read of a stream into the reply, or into a fault."""
        tried, reader = self.tried, self._reader
        if reader is None or tried.fault is not None:
            return
        if self._stopped:
            reply = reader.reply()
            ending = "stop" if not reader.complete else reply.ending
            tried.reply = replace(reply, ending=ending)
        elif reader.complete:
            tried.reply = reader.reply()
        else:
            tried.fault = _broken("the stream ended before the answer was complete")

    async def _events(self, response: httpx2.Response, limit: asyncio.Timeout) -> None:
        splitter, stops = EventSplitter(), StopFinder(self._item.stop)
        reader = self._reader = self._wire.reader(self._item.call)
        ended = False
        try:
            async for chunk in response.aiter_bytes():
                if self._take(splitter.feed(chunk), reader, stops):
                    return
                if reader.complete and not ended:
                    ended = True
                    soon = asyncio.get_running_loop().time() + END_SECONDS
                    limit.reschedule(min(limit.when() or soon, soon))
            self._take(splitter.end(), reader, stops)
        except UnicodeDecodeError:
            self.tried.fault = _broken("the stream is no UTF-8")

    def _take(self, events: list[str], reader: EventReader, stops: StopFinder) -> bool:
        """Read events; True if the answer holds a stop string, so that no more of it is needed."""
        for data in events:
            text = reader.feed(data)
            self.tried.events += 1
            self.tried.chars += len(text)
            self._heard()
            if stops.found(text):
                self._stopped = True
        return self._stopped


def parsed(body: bytes) -> object | Fault:
    """A JSON document, or the fault of one that is none."""
    try:
        document: object = json.loads(body)
    except ValueError:
        begun = body[:80].decode("utf-8", "replace").split("\n")[0].strip()
        return _broken(f"the answer is no complete JSON: it begins with {begun!r}" if begun else "the answer is empty")
    return document


def written(wire: Wire, call: Call, model: str, dialect: Dialect, stream: bool) -> HttpCall:
    """The request for a call; as a stream only where that is wanted and worth it. Raises ConfigError."""
    long = isinstance(call, GenerateCall) and call.sampling.max_tokens >= STREAM_FROM_TOKENS
    if dialect.stream and not (stream and long):
        dialect = replace(dialect, stream=False)
    return wire.write(call, model, dialect)


def _broken(message: str) -> Fault:
    return Fault("broken_reply", message, retry=True, status=200)


def _unused_context() -> ssl.SSLContext:
    """For http alone: the certificates of the system need not be read."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
