"""One probe in progress: it sends calls in a chosen dialect, counts them, and collects notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.datatypes import ChatPrompt, Message, Sampling, TextPrompt
from harness.engines.endpoint.sending import Answered, Pool
from harness.engines.endpoint.wire import (
    Call,
    Dialect,
    Fault,
    GenerateCall,
    PromptWay,
    TokenPrompt,
    WirePrompt,
    WireReply,
)

# New tokens of a trial
TOKENS = 8
# The same for a model that must reason before it can answer at all
TOKENS_TO_REASON = 2048
# What any model answers with several words, and is unsure of
QUESTION = "Write ten random numbers between 1 and 1000, separated by commas, and nothing else."
# What a base model goes on with in any way
BEGINNING = "Ten random numbers between 1 and 1000:"


@dataclass(slots=True)
class Session:
    """`dialect` is what is known so far of how the server wants its requests; `requests` were sent.

    Every call has the empty key, by which the ledger knows the probe.
    """

    pool: Pool
    way: PromptWay
    ids: tuple[int, ...]
    dialect: Dialect
    tokens: int = TOKENS
    requests: int = 0
    notes: list[str] = field(default_factory=list)

    def prompt(self) -> WirePrompt:
        """A prompt of the run's kind after which the model is unsure."""
        if self.way == "exact":
            return TokenPrompt(self.ids)
        if self.way == "text":
            return TextPrompt(BEGINNING)
        return chat(QUESTION)

    def send(self, call: Call, dialect: Dialect | None = None, url: str | None = None) -> WireReply | Fault:
        """Send one call. Raises what the pool raises: ConfigError for a refused key or model, EngineError."""
        self.requests += 1
        self.pool.use(dialect or self.dialect)
        sent = self.pool.once(call, url)
        return sent.reply if isinstance(sent, Answered) else sent.fault

    def generate(
        self,
        prompt: WirePrompt | None = None,
        *,
        dialect: Dialect | None = None,
        sampling: Sampling | None = None,
        stop: Sequence[str] = (),
        seed: int | None = None,
        logprobs: bool = False,
        url: str | None = None,
    ) -> WireReply | Fault:
        """Generate greedily, or as `sampling` has it."""
        used = dialect or self.dialect
        chosen = sampling or Sampling(self.tokens, temperature=0.0 if used.temperature else 1.0)
        call = GenerateCall("", prompt or self.prompt(), chosen, tuple(stop), seed if used.seed else None, logprobs)
        return self.send(call, used, url)


def chat(question: str, prefill: str = "") -> ChatPrompt:
    """A conversation of one question."""
    return ChatPrompt((Message("user", question),), prefill)


def shown(reply: WireReply) -> str:
    """All that a model wrote, its reasoning too."""
    return reply.reasoning + reply.text


def names_field(fault: Fault, name: str) -> bool:
    """Whether an error is about a field of the body."""
    if fault.parameter:
        whole = fault.parameter.split(".")
        if name in whole:
            return True
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", fault.message) is not None
