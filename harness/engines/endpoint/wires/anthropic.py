"""The Anthropic protocol: /messages, as Anthropic, llama.cpp and vLLM take it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.datatypes import ChatPrompt, Message
from harness.engines.endpoint.wire import Call, Dialect, Fault, GenerateCall, HttpCall, WireReply
from harness.engines.endpoint.wires.anthropic_replies import AnthropicEventReader, read_message
from harness.engines.endpoint.wires.extra_body import merge_extra
from harness.engines.endpoint.wires.faults import fault_of_answer
from harness.engines.endpoint.wires.faults_waits import pace_of
from harness.errors import ConfigError

MESSAGES = "/messages"
VERSION = "2023-06-01"


class AnthropicWire:
    """Writes and reads the Anthropic protocol. Stateless."""

    name = "anthropic"

    def headers(self, key: str | None) -> dict[str, str]:
        """Return the headers of every request; without a key, none that names one."""
        headers = {"content-type": "application/json", "anthropic-version": VERSION}
        return {**headers, "x-api-key": key} if key else headers

    def write(self, call: Call, model: str, dialect: Dialect) -> HttpCall:
        """Return the request of a call. Raises ConfigError for one that the protocol cannot express."""
        if not isinstance(call, GenerateCall):
            raise ConfigError("the Anthropic protocol returns no log-probabilities of a prompt")
        if not isinstance(call.prompt, ChatPrompt):
            raise ConfigError("the Anthropic protocol takes messages only, no text and no token ids")
        if call.logprobs or call.top:
            raise ConfigError("the Anthropic protocol returns no log-probabilities; set sampling.logprobs to false")
        body = {"model": model, **_messages(call.prompt), **_settings(call, dialect)}
        return HttpCall(MESSAGES, merge_extra(body, dialect.extra, dialect.template_options), dialect.stream)

    def read(self, call: Call, body: Mapping[str, Any]) -> WireReply:
        """Read a whole answer. Raises WireError for one that is incomplete or carries an error."""
        return read_message(body)

    def reader(self, call: Call) -> AnthropicEventReader:
        """Begin to read a streamed answer."""
        return AnthropicEventReader()

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
        """Say what an answer with an error status means. `headers` have lower-case names."""
        return fault_of_answer(status, headers, body)

    def pace(self, headers: Mapping[str, str]) -> float:
        """Return the seconds to wait before the next request; 0 where no limit is used up."""
        return pace_of(headers)


def _messages(prompt: ChatPrompt) -> dict[str, Any]:
    """System text apart, turns of one role after each other as one turn of several parts."""
    first = next((place for place, one in enumerate(prompt.messages) if one.role != "system"), len(prompt.messages))
    turns = list(prompt.messages[first:])
    if any(message.role == "system" for message in turns):
        raise ConfigError("the Anthropic protocol takes a system message only before the first turn")
    if prompt.prefill:
        turns.append(Message("assistant", prompt.prefill))
    messages: list[dict[str, Any]] = []
    for turn in turns:
        if messages and messages[-1]["role"] == turn.role:
            before = messages[-1]["content"]
            parts = before if isinstance(before, list) else [{"type": "text", "text": before}]
            messages[-1]["content"] = [*parts, {"type": "text", "text": turn.content}]
        else:
            messages.append({"role": turn.role, "content": turn.content})
    system = "\n\n".join(message.content for message in prompt.messages[:first])
    return {**({"system": system} if system else {}), "messages": messages}


def _settings(call: GenerateCall, dialect: Dialect) -> dict[str, Any]:
    """How to decode. The protocol has no seed; stop strings of white space alone are refused, the client cuts there.

    Newer models refuse temperature and top_p in one request, so a top_p that is off is sent only where the dialect's
    sampler names it; other servers have a default of their own.
    """
    sampling = call.sampling
    body: dict[str, Any] = {"max_tokens": sampling.max_tokens, "stream": dialect.stream, **dialect.sampler}
    if dialect.temperature:
        body["temperature"] = sampling.temperature
        if sampling.top_p != 1.0:
            body["top_p"] = sampling.top_p
    if sampling.top_k:
        body["top_k"] = sampling.top_k
    stops = [stop for stop in call.stop if stop.strip()][: dialect.stops]
    if stops:
        body["stop_sequences"] = stops
    return body
