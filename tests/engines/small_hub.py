"""A hub in a thread: the endpoints that a download of a model or a data set needs, and the faults of real hubs."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

SHA = "1234567890abcdef1234567890abcdef12345678"
# The only one that may write
WRITE_TOKEN = "hf_writes"


class Committed(NamedTuple):
    """A commit that the hub was sent: its files by their path; `review`: as a pull request."""

    kind: str
    repo: str
    review: bool
    title: str
    files: dict[str, bytes]


def _write_path(path: str) -> tuple[str, str, str | None]:
    """Kind, id and step of `/api/models/USER/NAME/commit/main`; no step for another path."""
    parts = unquote(path.split("?")[0]).strip("/").split("/")
    writes = len(parts) == 6 and parts[0] == "api" and parts[4] in ("preupload", "commit")
    return (parts[1], "/".join(parts[2:4]), parts[4]) if writes else ("", "", None)


class SmallHub(ThreadingHTTPServer):
    """Serves `repos` (id -> folder) at one commit; `gated` ids answer 401; `failures` counts 503s to give.

    `data` are data sets: id -> commit -> folder, the last commit is main. `commits` are those that were sent with
    WRITE_TOKEN. `faults` are answers to give before any other (status, headers), one a request that is not the probe;
    `broken` is one that is given for ever.
    """

    daemon_threads = True
    # A client fetches eight files at once; a full queue would cost it a second or more on a busy machine
    request_queue_size = 128

    def __init__(self, repos: dict[str, Path], gated: frozenset[str] = frozenset()) -> None:
        """Listen on a free port of the loopback."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = repos
        self.gated = gated
        self.failures = 0
        self.requested: list[str] = []
        self.data: dict[str, dict[str, Path]] = {}
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.broken: int | None = None
        self.commits: list[Committed] = []

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


def _described(file: Path) -> dict[str, object]:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    lfs = {"sha256": digest, "size": len(content), "pointerSize": 130}
    return {"rfilename": file.name, "size": len(content), "lfs": lfs}


class _Handler(BaseHTTPRequestHandler):
    server: SmallHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self._answer()

    def do_GET(self) -> None:
        """Model facts, file lists and files."""
        self._answer()

    def do_POST(self) -> None:
        """What the paths of a data set are; a commit in its two steps."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind, repo, step = _write_path(self.path)
        if step is None:
            return self._answer(parse_qs(body).get("paths", []))
        self.server.requested.append(f"POST {self.path}")
        if self.server.faults:
            status, headers = self.server.faults.pop(0)
            return self._send(status, b"{}", **headers)
        if self.headers.get("Authorization") != f"Bearer {WRITE_TOKEN}":
            return self._send(401, b'{"error": "Invalid credentials"}')
        if repo in self.server.gated:
            return self._fault(403, "GatedRepo")
        if repo not in (self.server.repos if kind == "models" else self.server.data):
            return self._fault(404, "RepoNotFound")
        if step == "preupload":
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            return self._send(200, json.dumps({"files": files}).encode())
        return self._commit_files(kind, repo, body)

    def _commit_files(self, kind: str, repo: str, body: str) -> None:
        header, *entries = map(json.loads, body.splitlines())
        wants_review = "create_pr=1" in self.path
        files = {e["value"]["path"]: base64.b64decode(e["value"]["content"]) for e in entries if e["key"] == "file"}
        self.server.commits.append(Committed(kind, repo, wants_review, header["value"]["summary"], files))
        page = f"{self.server.address}/{'' if kind == 'models' else f'{kind}/'}{repo}"
        answer = {"commitUrl": f"{page}/commit/{SHA}", "commitOid": SHA}
        if wants_review:
            answer["pullRequestUrl"] = f"{page}/discussions/{len(self.server.commits)}"
        self._send(200, json.dumps(answer).encode())

    def _answer(self, paths: list[str] | None = None) -> None:
        path = unquote(self.path.split("?")[0])
        self.server.requested.append(f"{self.command} {path}")
        if path == "/":
            return self._send(200, b"")
        if self.server.broken is not None:
            return self._send(self.server.broken, b"{}")
        if self.server.faults:
            status, headers = self.server.faults.pop(0)
            return self._send(status, b"{}", **headers)
        if path.startswith("/api/datasets/"):
            return self._data_api(path.removeprefix("/api/datasets/").split("/"), paths or [])
        if path.startswith("/datasets/"):
            return self._data_file(path.removeprefix("/datasets/").split("/"))
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
        files = [_described(file) for file in self.server.repos[repo].iterdir()]
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

    def _commit(self, repo: str, revision: str) -> tuple[str, Path] | None:
        """The commit and folder of a data set's revision; None where the answer has been sent."""
        if repo not in self.server.data:
            self._fault(401, "RepoNotFound")
            return None
        commits = self.server.data[repo]
        commit = list(commits)[-1] if revision == "main" else revision
        if commit not in commits:
            self._fault(404, "RevisionNotFound")
            return None
        return commit, commits[commit]

    def _data_api(self, parts: list[str], paths: list[str]) -> None:
        repo, rest = "/".join(parts[:2]), parts[2:]
        if (found := self._commit(repo, rest[1] if len(rest) > 1 else "main")) is None:
            return None
        commit, folder = found
        files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
        named = {str(file.relative_to(folder)): file for file in files}
        if rest[:1] in (["tree"], ["paths-info"]):
            inside = "/".join(rest[2:])
            wanted = [name for name in named if name in paths] if paths else [n for n in named if n.startswith(inside)]
            entries = [
                {"type": "file", "path": name, "size": named[name].stat().st_size, "oid": commit} for name in wanted
            ]
            return self._send(200, json.dumps(entries).encode())
        siblings = [{"rfilename": name} for name in named]
        return self._send(200, json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode())

    def _data_file(self, parts: list[str]) -> None:
        if (found := self._commit("/".join(parts[:2]), parts[3])) is None:
            return None
        file = found[1] / "/".join(parts[4:])
        if not file.is_file():
            return self._fault(404, "EntryNotFound")
        body = file.read_bytes()
        return self._send(200, body, ETag=f'"{hashlib.sha256(body).hexdigest()}"', **{"X-Repo-Commit": found[0]})

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
        if self.command != "HEAD":
            self.wfile.write(body)
