"""A hub in a thread: the few endpoints that a model download asks, and the faults that real hubs show."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

SHA = "1234567890abcdef1234567890abcdef12345678"


class SmallHub(ThreadingHTTPServer):
    """Serves `repos` (id -> folder) at one commit; `gated` ids answer 401; `failures` counts 503s to give."""

    daemon_threads = True
    # A client fetches eight files at once; a full queue would cost it a second or more on a busy machine
    request_queue_size = 128

    def __init__(self, repos: dict[str, Path], gated: frozenset[str] = frozenset()) -> None:
        """Listen on a free port of the loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.gated = gated
        self.failures = 0
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(repos: dict[str, Path], gated: frozenset[str] = frozenset()) -> Iterator[SmallHub]:
    """Run a hub until the block ends."""
    server = SmallHub(repos, gated)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: SmallHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self._answer()

    def do_GET(self) -> None:
        """Model facts, file lists and files."""
        self._answer()

    def _answer(self) -> None:
        path = unquote(self.path.split("?")[0])
        self.server.asked.append(f"{self.command} {path}")
        if path == "/":
            return self._send(200, b"")
        if path.startswith("/api/models/"):
            return self._api(path.removeprefix("/api/models/").split("/"))
        parts = path.lstrip("/").split("/")
        if len(parts) >= 5 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self._fault(404, "EntryNotFound")

    def _api(self, parts: list[str]) -> None:
        repo, rest = "/".join(parts[:2]), parts[2:]
        if (fault := self._refused(repo, rest[1] if len(rest) > 1 else "main")) is not None:
            return self._fault(*fault)
        files = [{"rfilename": file.name, "size": file.stat().st_size} for file in self.server.repos[repo].iterdir()]
        if rest[:1] == ["tree"]:
            tree = [{"type": "file", "path": f["rfilename"], "size": f["size"], "oid": SHA} for f in files]
            return self._send(200, json.dumps(tree).encode())
        return self._send(200, json.dumps({"id": repo, "sha": SHA, "siblings": files}).encode())

    def _file(self, repo: str, revision: str, name: str) -> None:
        if (fault := self._refused(repo, revision)) is not None:
            return self._fault(*fault)
        file = self.server.repos[repo] / name
        if not file.is_file():
            return self._fault(404, "EntryNotFound")
        if self.command == "GET" and self.server.failures > 0:
            self.server.failures -= 1
            return self._send(503, b"busy")
        body = file.read_bytes()
        return self._send(200, body, ETag=f'"{hashlib.sha256(body).hexdigest()}"', **{"X-Repo-Commit": SHA})

    def _refused(self, repo: str, revision: str) -> tuple[int, str] | None:
        if repo in self.server.gated:
            return 401, "GatedRepo"
        if repo not in self.server.repos:
            return 401, "RepoNotFound"
        return None if revision in ("main", SHA) else (404, "RevisionNotFound")

    def _fault(self, status: int, code: str) -> None:
        self._send(status, b"{}", **{"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
