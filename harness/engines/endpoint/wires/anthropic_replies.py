"""Replies of the Anthropic protocol, whole or by events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.engines.endpoint.wire import Ending, Usage, WireError, WireReply
from harness.engines.endpoint.wires.faults import broken_reply, fault_in_body
from harness.engines.endpoint.wires.openai_usage import count

ENDINGS: dict[str, Ending] = {
    "end_turn": "end",
    # No tools are sent: the model ended its turn itself
    "tool_use": "end",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "window",
    "refusal": "filtered",
}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def read_message(body: Mapping[str, Any]) -> WireReply:
    """Read a whole message. Raises WireError for one that is incomplete or carries an error."""
    if not isinstance(body, Mapping):
        raise broken_reply("the answer is no JSON object")
    reader = AnthropicEventReader()
    reader.take_message(body)
    if not isinstance(body.get("content"), list):
        raise broken_reply("the answer has no content", reader.usage())
    if not reader.reason:
        raise broken_reply("the answer has no stop_reason", reader.usage())
    return reader.reply()


class AnthropicEventReader:
    """Puts the events of one stream together. The type of an event is inside its data."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._counts: dict[str, int] = {}
        self._thinking: int | None = None
        self._model = ""
        self._stop_string: str | None = None
        self._ended = False
        self.reason = ""

    def feed(self, data: str) -> str:
        """Take one event's data; return the text of the answer that came with it. Raises WireError."""
        if not data.strip() or data.strip() == "[DONE]":
            return ""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise broken_reply("an event of the stream is no JSON", self.usage()) from None
        if not isinstance(event, dict):
            raise broken_reply("an event of the stream is no JSON object", self.usage())
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            return self.take_message(event["message"])
        if kind == "content_block_start":
            return self._take_block(event.get("content_block"))
        if kind == "content_block_delta":
            return self._take_block(event.get("delta"))
        if kind == "message_delta":
            self._take_counts(event.get("usage"))
            self._take_reason(event.get("delta"))
        elif kind == "message_stop":
            self._ended = True
        elif kind == "error" or event.get("error"):
            raise WireError(fault_in_body(event, self.usage()))
        return ""

    @property
    def complete(self) -> bool:
        """Whether the server gave an ending and the end mark."""
        return self._ended and bool(self.reason)

    def take_message(self, message: Mapping[str, Any]) -> str:
        """Take a message, which at the start of a stream is empty; return its text. Raises WireError."""
        self._take_counts(message.get("usage"))
        if message.get("error") or message.get("type") == "error":
            raise WireError(fault_in_body(message, self.usage()))
        if isinstance(message.get("model"), str):
            self._model = message["model"]
        content = message.get("content")
        text = "".join([self._take_block(block) for block in content]) if isinstance(content, list) else ""
        self._take_reason(message)
        return text

    def usage(self) -> Usage:
        """Return the tokens so far. The server's `input_tokens` leave the cached ones out."""
        if not self._counts:
            return Usage()
        cached = self._counts.get("cache_read_input_tokens", 0)
        written = self._counts.get("cache_creation_input_tokens", 0)
        fresh = self._counts.get("input_tokens")
        return Usage(
            prompt=None if fresh is None else fresh + cached + written,
            output=self._counts.get("output_tokens"),
            cached=cached,
            cache_written=written,
            reasoning=self._thinking,
        )

    def reply(self) -> WireReply:
        """Return the answer so far."""
        ending = ENDINGS.get(self.reason, "unknown")
        return WireReply(
            text="".join(self._texts),
            ending=ending,
            reasoning="".join(self._reasoning),
            reason=self.reason,
            stop_string=self._stop_string if ending == "stop" else None,
            usage=self.usage(),
            model=self._model,
        )

    def _take_block(self, block: Any) -> str:
        """Text or reasoning of a block, or of a piece of one; other kinds (signatures, redacted reasoning) are none."""
        if not isinstance(block, Mapping):
            return ""
        thought = block.get("thinking")
        if isinstance(thought, str):
            self._reasoning.append(thought)
        text = block.get("text")
        if not isinstance(text, str) or block.get("type") not in ("text", "text_delta"):
            return ""
        self._texts.append(text)
        return text

    def _take_reason(self, fields: Any) -> None:
        reason = fields.get("stop_reason") if isinstance(fields, Mapping) else None
        if not isinstance(reason, str) or not reason:
            return
        if reason == "pause_turn":
            raise broken_reply("the server paused in the middle of the answer (pause_turn)", self.usage())
        self.reason = reason
        stop = fields.get("stop_sequence")
        self._stop_string = stop if isinstance(stop, str) else None

    def _take_counts(self, usage: Any) -> None:
        """The counts of a stream only grow, and some servers send 0 for what they stated before."""
        if not isinstance(usage, Mapping):
            return
        for name in _COUNTS:
            value = count(usage, name)
            if value is not None:
                self._counts[name] = max(value, self._counts.get(name, 0))
        details = usage.get("output_tokens_details")
        if isinstance(details, Mapping):
            self._thinking = count(details, "thinking_tokens", "reasoning_tokens")
