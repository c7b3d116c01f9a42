"""A protocol as small as it can be, for tests of the pool: `{"text": ...}` answers, and events of the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.datatypes import Sampling, TextPrompt
from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.wire import (
    Call,
    Dialect,
    Fault,
    GenerateCall,
    HttpCall,
    Usage,
    WireError,
    WireReply,
)

KINDS = {401: "refused_key", 402: "quota", 404: "no_model", 400: "bad_request", 429: "rate_limited"}


class PlainReader:
    """Puts `{"text": ..., "end": true}` events together."""

    def __init__(self) -> None:
        self.text = ""
        self.complete = False

    def feed(self, data: str) -> str:
        try:
            event = json.loads(data)
        except ValueError:
            raise WireError(Fault("broken_reply", "an event is no JSON", retry=True, status=200)) from None
        self.complete |= bool(event.get("end"))
        self.text += event.get("text", "")
        return event.get("text", "")

    def reply(self) -> WireReply:
        return WireReply(self.text, "end" if self.complete else "unknown")


class PlainWire:
    """The protocol."""

    name = "plain"

    def headers(self, key: str | None) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def write(self, call: Call, model: str, dialect: Dialect) -> HttpCall:
        return HttpCall("/say", {"key": call.key, "model": model}, dialect.stream)

    def read(self, call: Call, body: Mapping[str, Any]) -> WireReply:
        if "error" in body:
            raise WireError(Fault("server_error", str(body["error"]), retry=True, status=200))
        return WireReply(body["text"], "end", usage=Usage(3, 2))

    def reader(self, call: Call) -> PlainReader:
        return PlainReader()

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
        kind = KINDS.get(status, "server_error")
        wait = float(headers["retry-after"]) if "retry-after" in headers else None
        message, _, parameter = body.decode().partition("|")
        return Fault(kind, message, status == 429 or status >= 500, wait, status, parameter or None)

    def pace(self, headers: Mapping[str, str]) -> float:
        return float(headers.get("x-wait", 0))


def sendable(key: str, max_tokens: int = 16, stop: tuple[str, ...] = (), prefix: str = "") -> Sendable:
    call = GenerateCall(key, TextPrompt("Hi"), Sampling(max_tokens=max_tokens), stop, None)
    return Sendable(call, prefix, 3, max_tokens, stop)
