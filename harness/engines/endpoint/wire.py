"""What passes between the endpoint engine and a server, independent of the server's protocol.

No network here. A `Wire` is one protocol: it writes the body of a call, reads an answer (whole or streamed), and says
what an error means. `Dialect` is what the start probe and the options found out about one server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from harness.datatypes import ChatPrompt, Sampling, TextPrompt

# `exact`: our tokenizer and template, token ids; `chat`: messages, the server's template; `text`: plain text for a base
# model
PromptWay = Literal["exact", "chat", "text"]
# Why a server ended an answer. `unknown`: it gave no reason that we know
Ending = Literal["end", "stop", "length", "window", "filtered", "unknown"]
# What became of a prefill in the probe
Prefill = Literal["continued", "returned", "new_turn", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """A prompt as token ids of our own tokenizer."""

    ids: tuple[int, ...]


WirePrompt = TokenPrompt | TextPrompt | ChatPrompt


@dataclass(frozen=True, slots=True)
class GenerateCall:
    """One answer to one prompt. `sampling.max_tokens` fits the window; `stop` are the stop strings that are sent.

    `seed` is the request's own. `logprobs`: return the log-probability of each new token. `top` (0: none) asks for so
    many likeliest tokens at each place too.
    """

    key: str
    prompt: WirePrompt
    sampling: Sampling
    stop: tuple[str, ...]
    seed: int | None
    logprobs: bool = False
    top: int = 0


@dataclass(frozen=True, slots=True)
class ScoreCall:
    """The log-probability of each token of `ids` after the first `context` of them."""

    key: str
    ids: tuple[int, ...]
    context: int


@dataclass(frozen=True, slots=True)
class ChoiceCall:
    """The log-probabilities of single tokens `options` after the prompt `ids`, in one request (`logprob_token_ids`)."""

    key: str
    ids: tuple[int, ...]
    options: tuple[int, ...]


Call = GenerateCall | ScoreCall | ChoiceCall


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server wants its requests. The defaults are what the protocol's own documentation states.

    `max_tokens` is the spelling of that field; `sampler` the fields beyond temperature and top_p that it takes, with
    the value that switches each off (`{"top_k": 0, "min_p": 0.0}`); `temperature`: it takes temperatures other than 1;
    `stops`: the most stop strings in a request; `continue_flags`: an unfinished assistant turn needs
    `continue_final_message` and `add_generation_prompt`; `token_ids_back`: `return_token_ids` works; `scoring`: how
    prompt log-probabilities are had; `extra` is the user's `extra_body`, merged into every body; `template_options`
    go to the server's chat template (`chat_template_kwargs`).
    """

    max_tokens: str = "max_tokens"
    sampler: Mapping[str, Any] = field(default_factory=dict)
    temperature: bool = True
    top_p: bool = True
    seed: bool = True
    stops: int = 4
    continue_flags: bool = False
    token_ids_back: bool = False
    scoring: Literal["none", "prompt_logprobs", "echo"] = "none"
    choice_ids: bool = False
    stream: bool = True
    stream_usage: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    template_options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A POST: `path` below the base URL (`/chat/completions`), and the JSON body. `stream`: answered by events."""

    path: str
    body: Mapping[str, Any]
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; None where it did not. `prompt` includes the cached ones.

    `cached` were read from the server's cache, `cache_written` were stored in it, `reasoning` are part of `output`.
    """

    prompt: int | None = None
    output: int | None = None
    cached: int = 0
    cache_written: int = 0
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class PromptToken:
    """One scored token of a prompt: natural log; `greedy` if it was the likeliest."""

    id: int
    logprob: float
    greedy: bool


@dataclass(frozen=True, slots=True)
class WireReply:
    """A complete answer as the server gave it, nothing cut.

    `text` without `reasoning`; `stop_string` where the server names the one that it met; `prompt_tokens` are the scored
    tokens of a ScoreCall (in the order of the ids, the first token of a prompt left out); `option_logprobs` those of a
    ChoiceCall, by token id; `token_logprobs` of the new tokens; `prompt_ids` and `output_ids` where they were returned;
    `reason` is the server's own word for the ending.
    """

    text: str
    ending: Ending
    reasoning: str = ""
    reason: str = ""
    stop_string: str | None = None
    usage: Usage = Usage()
    model: str = ""
    fingerprint: str = ""
    provider: str = ""
    token_logprobs: tuple[float, ...] | None = None
    output_ids: tuple[int, ...] | None = None
    prompt_ids: tuple[int, ...] | None = None
    prompt_tokens: tuple[PromptToken, ...] | None = None
    option_logprobs: Mapping[int, float] | None = None


FaultKind = Literal[
    "server_error",
    "timeout",
    "broken_reply",
    "rate_limited",
    "quota",
    "refused_key",
    "no_model",
    "context_overflow",
    "bad_request",
    "filtered",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an attempt gave no answer. `message` is one line, from the server where it sent one, without secrets.

    `retry`: another attempt may succeed; `wait`: seconds that the server asks every client to wait (None: it does not
    say); `status` is HTTP's, None where there was no answer; `parameter`: the field of the body that the server names;
    `usage`: what the attempt cost all the same.
    """

    kind: FaultKind
    message: str
    retry: bool
    wait: float | None = None
    status: int | None = None
    parameter: str | None = None
    usage: Usage | None = None


class EventReader(Protocol):
    """Puts the events of one stream together."""

    def feed(self, data: str) -> str:
        """Take one event's data; return the text of the answer that came with it. Raises WireError."""

    @property
    def complete(self) -> bool:
        """Whether the server gave an ending and, where the protocol has one, its end mark."""

    def reply(self) -> WireReply:
        """The answer so far; of a stream that we cut off, its ending is `unknown`."""


class Wire(Protocol):
    """One protocol. Stateless: one object serves every URL and thread."""

    name: str

    def headers(self, key: str | None) -> dict[str, str]:
        """The headers of every request; without a key, none that names one."""

    def write(self, call: Call, model: str, dialect: Dialect) -> HttpCall:
        """The request for a call. Raises ConfigError for a call that the protocol cannot express."""

    def read(self, call: Call, body: Mapping[str, Any]) -> WireReply:
        """Read a whole answer. Raises WireError for one that is incomplete or carries an error."""

    def reader(self, call: Call) -> EventReader:
        """Begin to read a streamed answer."""

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
        """Say what an answer with an error status means. `headers` have lower-case names."""

    def pace(self, headers: Mapping[str, str]) -> float:
        """Seconds to wait before the next request, by the headers of a good answer about what is left (0: none)."""


class WireError(Exception):
    """An answer that cannot be used as one; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        """`fault.message` is the exception's text."""
        super().__init__(fault.message)
        self.fault = fault
