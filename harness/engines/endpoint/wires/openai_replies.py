"""Replies of the OpenAI protocol, whole or by events: a whole reply is read as a stream of one event.

So a text does not depend on how it was cut into events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.engines.endpoint.wire import Call, ChoiceCall, Ending, GenerateCall, ScoreCall, Usage, WireError, WireReply
from harness.engines.endpoint.wires.faults import broken_reply, fault_in_body
from harness.engines.endpoint.wires.openai_logprobs import (
    new_tokens,
    option_logprobs,
    prompt_tokens,
    returned_prompt_ids,
)
from harness.engines.endpoint.wires.openai_usage import read_usage

END_MARK = "[DONE]"
ENDINGS: dict[str, Ending] = {
    "eos": "end",
    "eos_token": "end",
    "end_turn": "end",
    "complete": "end",
    # No tools are sent: a call of one is the model's own text, which it ended itself
    "tool_calls": "end",
    "tool_call": "end",
    "tool_use": "end",
    "function_call": "end",
    "stop": "stop",
    "stop_sequence": "stop",
    "stop_word": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "window",
    "context_length": "window",
    "content_filter": "filtered",
    "content-filter": "filtered",
    "refusal": "filtered",
    "safety": "filtered",
    "recitation": "filtered",
    "blocklist": "filtered",
    "prohibited_content": "filtered",
    "sensitive": "filtered",
}
# The server gave up: DeepSeek, OpenRouter, Zhipu, and vLLM or SGLang for a request that was cancelled
GAVE_UP = frozenset({"insufficient_system_resource", "error", "network_error", "abort", "aborted", "cancelled"})


def read_reply(call: Call, body: Mapping[str, Any]) -> WireReply:
    """Read a whole reply. Raises WireError for one that is incomplete or carries an error."""
    reader = OpenAIEventReader(call)
    if not isinstance(body, Mapping):
        raise broken_reply("the answer is no JSON object")
    reader.take(body)
    choice = reader.choice
    if choice is None:
        raise broken_reply("the answer has no choices", reader.usage)
    reply = reader.reply()
    if isinstance(call, ScoreCall):
        return replace(reply, prompt_tokens=prompt_tokens(call, body, choice, reply.usage))
    if isinstance(call, ChoiceCall):
        return replace(reply, option_logprobs=option_logprobs(call, body, choice, reply.usage))
    return reply


class OpenAIEventReader:
    """Puts the events of one stream together."""

    def __init__(self, call: Call) -> None:
        """Begin with nothing read."""
        self._stops = bool(isinstance(call, GenerateCall) and any(call.stop))
        # The prompt of an echo is among them, so they are read by the kind of call
        self._new_tokens_only = not isinstance(call, ScoreCall)
        self._texts: list[str] = []
        self._refused = False
        self._reasoning: list[str] = []
        self._logprobs: list[float] | None = None
        self._ids: list[int] = []
        self._ids_by_logprobs: list[int] = []
        self._prompt_ids: tuple[int, ...] | None = None
        self._reason = ""
        self._met: Any = None
        self._states_met = False
        self._stated = {"model": "", "system_fingerprint": "", "provider": ""}
        self._ended = False
        self.choice: Mapping[str, Any] | None = None
        self.usage = Usage()

    def feed(self, data: str) -> str:
        """Take one event's data; return the text of the answer that came with it. Raises WireError."""
        data = data.strip()
        if not data:
            return ""
        if data == END_MARK:
            self._ended = True
            return ""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise broken_reply("an event of the stream is no JSON", self.usage) from None
        if not isinstance(event, dict):
            raise broken_reply("an event of the stream is no JSON object", self.usage)
        return self.take(event)

    @property
    def complete(self) -> bool:
        """Whether the server gave an ending, and after it the end mark or its usage, with which some servers end."""
        return bool(self._reason) and (self._ended or self.usage.output is not None)

    def take(self, event: Mapping[str, Any]) -> str:
        """Take an event, or a whole reply; return the text that came with it. Raises WireError."""
        if event.get("usage"):
            self.usage = read_usage(event["usage"])
        if event.get("error") or event.get("object") == "error" or event.get("type") == "error":
            raise WireError(fault_in_body(event, self.usage))
        for name in self._stated:
            value = event.get(name)
            if isinstance(value, str) and value:
                self._stated[name] = value
        choices = event.get("choices")
        if not isinstance(choices, list):
            return ""
        for choice in choices:
            if isinstance(choice, Mapping) and not choice.get("index"):
                return self._take_choice(event, choice)
        return ""

    def reply(self) -> WireReply:
        """Return the answer so far."""
        met = self._met if isinstance(self._met, str) else None
        return WireReply(
            text="".join(self._texts),
            ending=self._ending(),
            reasoning="".join(self._reasoning),
            reason=self._reason,
            stop_string=met if self._ending() == "stop" else None,
            usage=self.usage,
            model=self._stated["model"],
            fingerprint=self._stated["system_fingerprint"],
            provider=self._stated["provider"],
            token_logprobs=None if self._logprobs is None else tuple(self._logprobs),
            output_ids=tuple(self._ids or self._ids_by_logprobs) or None,
            prompt_ids=self._prompt_ids,
        )

    def _ending(self) -> Ending:
        """The word `stop` is an end token or a stop string; vLLM and SGLang state which, others do not."""
        if self._refused:
            return "filtered"
        ending = ENDINGS.get(self._reason.lower(), "unknown")
        if ending != "stop":
            return ending
        if self._states_met:
            return "stop" if isinstance(self._met, str) else "end"
        return "stop" if self._stops else "end"

    def _take_choice(self, event: Mapping[str, Any], choice: Mapping[str, Any]) -> str:
        self.choice = choice
        if choice.get("error"):
            raise WireError(fault_in_body(choice, self.usage))
        if self._prompt_ids is None:
            self._prompt_ids = returned_prompt_ids(event, choice)
        text = self._take_text(choice)
        if isinstance(choice.get("token_ids"), list):
            self._ids += choice["token_ids"]
        if self._new_tokens_only and choice.get("logprobs"):
            values, ids = new_tokens(choice["logprobs"])
            if values:
                self._logprobs = self._logprobs or []
                self._logprobs += values
            self._ids_by_logprobs += ids
        self._take_reason(choice)
        return text

    def _take_text(self, choice: Mapping[str, Any]) -> str:
        message = choice.get("message") or choice.get("delta")
        source = message if isinstance(message, Mapping) else choice
        text, thought = _parts(source.get("text") if source is choice else source.get("content"))
        # The two names of one field; a server in between may send both
        named = source.get("reasoning_content") or source.get("reasoning")
        thought += named if isinstance(named, str) else ""
        refusal = source.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused = True
            text += refusal
        if text:
            self._texts.append(text)
        if thought:
            self._reasoning.append(thought)
        return text

    def _take_reason(self, choice: Mapping[str, Any]) -> None:
        reason = choice.get("finish_reason")
        if not isinstance(reason, str) or not reason:
            return
        if reason.lower() in GAVE_UP:
            raise WireError(fault_in_body({"error": f"the server gave up ({reason})"}, self.usage))
        self._reason = reason
        for name in ("stop_reason", "matched_stop"):
            if name in choice:
                self._states_met, self._met = True, choice[name]


def _parts(content: Any) -> tuple[str, str]:
    """Text and reasoning of a content, which may be a list of parts. Raises WireError for what is neither."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if not isinstance(content, list):
        raise broken_reply("the content of the answer is no text")
    texts, thoughts = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping) and part.get("type") in ("thinking", "reasoning"):
            # Mistral's has parts of its own
            thought = part.get("thinking") or part.get("text")
            thoughts.append(thought if isinstance(thought, str) else _parts(thought)[0])
        elif isinstance(part, Mapping):
            texts.append(next((part[name] for name in ("text", "refusal") if isinstance(part.get(name), str)), ""))
    return "".join(texts), "".join(thoughts)
