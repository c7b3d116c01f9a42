"""Prompts that the server makes tokens of: messages through its own template, or plain text for a base model.

Tokens are unknown here: a prompt that does not fit cannot be cut, and its hash is over its text. No text that a chat
template was applied to is ever sent as plain text, since servers would put a second BOS before it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace

from harness.datatypes import (
    ChatPrompt,
    Completion,
    GenerateRequest,
    Prompt,
    Refusal,
    Reply,
    Request,
    Style,
    TextPrompt,
)
from harness.engines.base import PromptSize
from harness.engines.endpoint.prepared import Prepared
from harness.engines.endpoint.replies import finish_of, refusal, served_by
from harness.engines.endpoint.sending import Sendable
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.stops import stops_to_send
from harness.engines.endpoint.wire import GenerateCall, PromptWay
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import cut_at_stop
from harness.engines.request_seed import own_seed

# English has about four characters to a token; prose and code of any language hardly ever less than two bytes
CHARACTERS_A_TOKEN = 4
LEAST_BYTES_A_TOKEN = 2
# Plain text that is longer begins with worked examples, so that its beginning is that of other prompts
PREFIX_CHARACTERS = 512


class ServerPrompts:
    """Prompts as messages (`chat`) or plain text (`text`)."""

    def __init__(self, way: PromptWay, window: int | None = None, encoder: PromptEncoder | None = None) -> None:
        """`way` is chat or text; `window` is the user's, `encoder` only counts."""
        self.way: PromptWay = way
        self.style: Style = "text" if way == "text" else "chat"
        self._window = window
        self._encoder = encoder

    def check(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """Refuse nothing: the server has the template."""
        return ()

    def probe_ids(self) -> tuple[int, ...]:
        """None: tokens are unknown."""
        return ()

    def size(self, request: Request) -> PromptSize:
        """Estimate the tokens: with a tokenizer by the template that it has, else by the length of the text."""
        shown = rendered(request.prompt)
        most = request.sampling.max_tokens if isinstance(request, GenerateRequest) else 0
        if self._encoder is not None:
            encoded = self._encoder.encode(request.prompt)
            return PromptSize(len(encoded.ids), 0, most, encoded.text, True, _most_tokens(shown))
        return PromptSize(math.ceil(len(shown) / CHARACTERS_A_TOKEN), 0, most, shown, True, _most_tokens(shown))

    def prepare(self, request: Request, facts: ServerFacts) -> Prepared | Refusal:
        """Make the call."""
        if not isinstance(request, GenerateRequest):
            return refusal(request, "no_likelihoods", "log-likelihoods need the option `tokenizer`")
        sampling, shown = request.sampling, rendered(request.prompt)
        tokens = _most_tokens(shown)
        most = sampling.max_tokens
        window = self._window or facts.window
        if window is not None:
            # Servers refuse a limit that is larger than their window; an answer keeps half of it, as everywhere
            most = min(most, max(window - tokens, window // 2))
        call = GenerateCall(
            request.key,
            request.prompt,
            replace(sampling, max_tokens=most),
            stops_to_send(sampling.stop, facts.dialect.stops),
            own_seed(sampling.seed, request.key) if sampling.temperature > 0 else None,
            logprobs=sampling.logprobs,
        )
        prefilled = isinstance(request.prompt, ChatPrompt) and request.prompt.prefill
        # A server that returns the prefill may return a stop string in it, at which nothing has stopped
        seen = () if prefilled and facts.prefill != "continued" else tuple(one for one in sampling.stop if one)
        return Prepared(request, (Sendable(call, _prefix(request.prompt), tokens, most, seen),))

    def reply(self, prepared: Prepared, facts: ServerFacts, seconds: float) -> Reply:
        """Take off a prefill that came back, cut at the first stop string, and word the answer."""
        request, answer = prepared.request, prepared.answers[0]
        assert isinstance(request, GenerateRequest)
        reply, prompt = answer.reply, request.prompt
        text = reply.text
        if isinstance(prompt, ChatPrompt) and prompt.prefill and facts.prefill == "returned":
            text = without_prefill(text, prompt.prefill)
        text, cut = cut_at_stop(text, request.sampling.stop)
        return Completion(
            request.key,
            text,
            finish_of(reply.ending, cut, reply.usage.output, request.sampling.max_tokens),
            prompt_tokens=reply.usage.prompt,
            output_tokens=reply.usage.output,
            cached_tokens=reply.usage.cached,
            seconds=seconds,
            prompt_hash=hashlib.sha256(_content(prompt).encode()).hexdigest(),
            token_logprobs=reply.token_logprobs,
            reasoning=reply.reasoning,
            served=served_by([answer]),
        )


def without_prefill(text: str, prefill: str) -> str:
    """Take a prefill off the beginning of an answer, once; templates may have dropped the space at its end."""
    for form in (prefill, prefill.rstrip()):
        if form and text.startswith(form):
            return text[len(form) :]
    return text


def rendered(prompt: Prompt) -> str:
    """A prompt for a reader."""
    if isinstance(prompt, TextPrompt):
        return prompt.text
    turns = [f"{message.role}: {message.content}" for message in prompt.messages]
    return "\n\n".join([*turns, f"assistant: {prompt.prefill}"])


def _content(prompt: Prompt) -> str:
    """What a prompt hash is over: the text, or the messages as JSON."""
    if isinstance(prompt, TextPrompt):
        return prompt.text
    turns = [[message.role, message.content] for message in prompt.messages]
    options = [dict(prompt.template_options)] if prompt.template_options else []
    return json.dumps([turns, prompt.prefill, *options], ensure_ascii=False)


def _prefix(prompt: Prompt) -> str:
    """What other prompts may share with this one: its worked examples, else all of it (with its repeats)."""
    if isinstance(prompt, ChatPrompt):
        head = prompt.messages[:-1] or prompt.messages
        text = "\n".join(message.content for message in head)
    else:
        text = prompt.text[:PREFIX_CHARACTERS]
    return hashlib.sha256(text.encode()).hexdigest()


def _most_tokens(text: str) -> int:
    return math.ceil(len(text.encode()) / LEAST_BYTES_A_TOKEN)
