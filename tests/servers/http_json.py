"""Raw requests to a server, for tests of what it really does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


def post(url: str, body: Any, **headers: str) -> tuple[int, Any]:
    """Status and JSON answer (text, where it is none) of a POST."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _open(urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}))


def get(url: str) -> tuple[int, Any]:
    """Status and JSON answer of a GET."""
    return _open(urllib.request.Request(url))


def events(url: str, body: dict[str, Any]) -> list[str]:
    """The data of the events that answer a streamed POST."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        lines = answer.read().decode().splitlines()
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def _open(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, raw = error.code, error.read()
    try:
        return status, json.loads(raw)
    except ValueError:
        return status, raw.decode(errors="replace")
