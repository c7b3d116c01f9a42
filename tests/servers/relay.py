"""Stands between a client and a server: counts and keeps requests, holds answers back, gives its own, and can die.

It makes any server one that a test can kill without ending the one that the session shares.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    """One request that arrived; `text` is its body's."""

    path: str
    text: str
    headers: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        """The body as JSON."""
        return dict(json.loads(self.text))


# The status and the JSON that a relay answers by itself; None: ask the server
Answer = Callable[[Seen], tuple[int, Any] | None]


@dataclass
class Relay:
    """A running relay. `seen`: what arrived; `answered`: bodies whose answer went out whole."""

    url: str
    server: ThreadingHTTPServer
    model: str = "demo"
    answer: Answer | None = None
    seen: list[Seen] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    held_from: int | None = None
    dead: bool = False
    sockets: set[socket.socket] = field(default_factory=set)

    def wait_until(self, true: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until something is true of what arrived or was answered. Raises TimeoutError."""
        with self.changed:
            if not self.changed.wait_for(true, seconds):
                raise TimeoutError(f"{len(self.seen)} requests, {len(self.answered)} answered after {seconds} s")

    def answered_with(self, text: str) -> int:
        """How many requests with this text in them were answered."""
        return sum(text in body for body in self.answered)

    def hold_from(self, count: int | None) -> None:
        """Hold back every answer after the first `count`; None lets all of them go."""
        with self.changed:
            self.held_from = count
            self.changed.notify_all()

    def kill(self) -> None:
        """Refuse new connections and break those that are open, as a lost machine would."""
        with self.changed:
            self.dead = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def prompts(self) -> Counter[str]:
        """How often each chat was requested, by the text of its last message."""
        bodies = [one.body for one in self.seen if one.text]
        return Counter(body["messages"][-1]["content"] for body in bodies if "messages" in body)


@contextlib.contextmanager
def relay(upstream: str, model: str = "demo", answer: Answer | None = None) -> Iterator[Relay]:
    """Relay to the server at `upstream` (with `/v1`) until the block ends; `answer` may answer in its place."""
    server = _Server(("127.0.0.1", 0), _Handler)
    made = Relay(f"http://127.0.0.1:{server.server_address[1]}/v1", server, model, answer)
    server.relay, server.upstream = made, urlsplit(upstream)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        if not made.dead:
            made.kill()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Else the end of a test waits for clients that keep their connection
    block_on_close = False
    request_queue_size = 256
    relay: Relay
    upstream: Any

    def handle_error(self, *_: Any) -> None:
        """A connection that broke is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.relay.sockets.add(self.connection)

    def finish(self) -> None:
        self.server.relay.sockets.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self._pass_on("GET")

    def do_POST(self) -> None:
        self._pass_on("POST")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _pass_on(self, method: str) -> None:
        relay = self.server.relay
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.path, raw.decode(), {key.lower(): value for key, value in self.headers.items()})
        with relay.changed:
            relay.seen.append(seen)
            number = sum(bool(one.text) for one in relay.seen)
            relay.changed.notify_all()
            if raw:
                relay.changed.wait_for(lambda: relay.dead or relay.held_from is None or number <= relay.held_from)
        own = relay.answer(seen) if relay.answer else None
        status = self._answer_itself(*own) if own else self._ask_server(method, raw)
        with relay.changed:
            if raw and status == 200:
                relay.answered.append(raw.decode())
            relay.changed.notify_all()

    def _answer_itself(self, status: int, page: Any) -> int:
        raw = json.dumps(page).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        return status

    def _ask_server(self, method: str, raw: bytes) -> int:
        upstream = http.client.HTTPConnection(self.server.upstream.netloc, timeout=600)
        with contextlib.closing(upstream):
            upstream.request(method, self.path, raw or None, {"Content-Type": "application/json"})
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while data := answer.read1(65536):
                if self.server.relay.dead:
                    raise ConnectionError("killed")
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return answer.status
