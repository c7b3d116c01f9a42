"""The types that packages exchange. Frozen, no I/O, no torch; kinds are types, never optional fields.

A *task* has *samples*; each gives a *request*, which an *engine* answers with a *reply*; *scorers* make *scores* of
sample and reply; all of it is one *record*, from which everything else is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RECORD_SCHEMA = 1
MANIFEST_SCHEMA = 1

# `filtered`: the server withheld it; `window`: it ended before max_tokens because the context window was full
Finish = Literal["stop", "eos", "length", "filtered", "window"]
Style = Literal["text", "chat"]


# --- requests ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """The right answers, any of which counts."""

    values: tuple[str, ...]
    kind: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True)
class Choice:
    """Options shown to the model or continued by it; `gold` is the index of the right one, `also` of further ones."""

    options: tuple[str, ...]
    gold: int
    also: tuple[int, ...] = ()
    kind: Literal["choice"] = "choice"

    @property
    def right(self) -> tuple[int, ...]:
        """The indices of all right options, the first of them `gold`."""
        return (self.gold, *self.also)


@dataclass(frozen=True, slots=True)
class StdinCase:
    """One run of a program: what it reads and what it must print."""

    stdin: str
    stdout: str


@dataclass(frozen=True, slots=True)
class Tests:
    """How a program is judged.

    `prelude` is before the candidate's code and `suffix` behind it; `tests` come after them and call `entry_point`;
    `cases` are whole-program runs instead, whose lines of output are compared as `output` says. With `check`
    "in_process" tests run in the candidate's process. It may import `packages` (Python).
    """

    language: str
    prelude: str = ""
    tests: str = ""
    entry_point: str | None = None
    cases: tuple[StdinCase, ...] = ()
    check: Literal["by_value", "in_process"] = "by_value"
    packages: tuple[str, ...] = ()
    suffix: str = ""
    output: Literal["exact", "decimals"] = "exact"
    kind: Literal["tests"] = "tests"


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text; how likely a model finds it is the score."""

    text: str
    kind: Literal["text"] = "text"


Reference = Answer | Choice | Tests | Text


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a task: `inputs` is what templates may use, `gold` a completion that must score 1.

    Samples with the same `group` are not independent (clustered errors).
    """

    id: str
    inputs: Mapping[str, Any]
    reference: Reference
    gold: str | None = None
    group: str | None = None


# --- how it is put to a model --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """Plain text that the model continues."""

    text: str
    kind: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Messages that the engine puts through the model's own template; the answer starts with `prefill`.

    `template_options` are variables of the template (`enable_thinking`), each with its value.
    """

    messages: tuple[Message, ...]
    prefill: str = ""
    template_options: tuple[tuple[str, Any], ...] = ()
    kind: Literal["chat"] = "chat"


Prompt = TextPrompt | ChatPrompt


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to decode. `temperature` 0 is greedy; `top_p` 1 and `top_k` 0 are off; `max_tokens` counts new tokens.

    `logprobs`: return the log-probability of each new token; `max_reasoning_tokens`: reasoning that is open after so
    many new tokens is closed (None: it may use all of `max_tokens`).
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    seed: int = 0
    logprobs: bool = False
    max_reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Continue `prompt`. `key` is permanent: an equal prompt with equal settings has the same key."""

    key: str
    task: str
    sample_id: str
    repeat: int
    prompt: Prompt
    sampling: Sampling
    kind: Literal["generate"] = "generate"


@dataclass(frozen=True, slots=True)
class LikelihoodRequest:
    """How likely is each of `continuations` after `prompt`, or each after the prompt of its own in `contexts`?"""

    key: str
    task: str
    sample_id: str
    repeat: int
    prompt: Prompt
    continuations: tuple[str, ...]
    contexts: tuple[Prompt, ...] = ()
    kind: Literal["loglikelihood"] = "loglikelihood"


@dataclass(frozen=True, slots=True)
class RollingRequest:
    """How likely is `text`, each of its tokens once, in windows that do not overlap where it is longer than one?

    `prompt` is empty: the first token is scored after the model's start token.
    """

    key: str
    task: str
    sample_id: str
    repeat: int
    prompt: Prompt
    text: str
    kind: Literal["rolling"] = "rolling"


Request = GenerateRequest | LikelihoodRequest | RollingRequest


# --- what came back ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Served:
    """What is known of an answer that a server gave.

    `latency`: seconds from sending the attempt that succeeded to its last byte; `attempts` include it; `model`,
    `fingerprint` and `provider` as the server stated them (empty: not stated); `reasoning_tokens` are output too.
    """

    latency: float
    attempts: int = 1
    model: str = ""
    fingerprint: str = ""
    provider: str = ""
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """The text that a model produced, without the prompt, the prefill, the stop string and special tokens.

    `prompt_hash` is over the token ids (over the text if unknown); `dropped_tokens` were cut from the prompt's left;
    `seconds`: the engine's time, in a batch its share; `token_logprobs`: natural logs at temperature 1, the end token's
    too; `reasoning_mark`: the opening mark of reasoning that the chat template ended the prompt with; `reasoning`: what
    a server returned as reasoning, apart from the answer; `closed_reasoning`: it was closed at its budget; `served`: of
    an answer that a server gave.
    """

    key: str
    text: str
    finish: Finish
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    dropped_tokens: int = 0
    seconds: float | None = None
    prompt_hash: str = ""
    token_logprobs: tuple[float, ...] | None = None
    reasoning_mark: str = ""
    reasoning: str = ""
    served: Served | None = None
    closed_reasoning: bool = False
    kind: Literal["completion"] = "completion"


@dataclass(frozen=True, slots=True)
class ContinuationScore:
    """Sum of a continuation's natural-log token probabilities (`token_logprobs`); `greedy`: each was the likeliest."""

    logprob: float
    tokens: int
    chars: int
    bytes: int
    greedy: bool
    token_logprobs: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Likelihood:
    """One score per continuation, in the request's order; for a rolling request one score, of the whole text."""

    key: str
    continuations: tuple[ContinuationScore, ...]
    prompt_tokens: int | None = None
    cached_tokens: int = 0
    dropped_tokens: int = 0
    seconds: float | None = None
    prompt_hash: str = ""
    served: Served | None = None
    kind: Literal["likelihood"] = "likelihood"


Stage = Literal["engine", "extract", "execute", "score"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no full score. `ours`: a fault of the harness (unscored); else the model's own (scored 0)."""

    stage: Stage
    kind: str
    message: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """The engine's answer to a request that it could not serve."""

    key: str
    failure: Failure
    kind: Literal["refusal"] = "refusal"


Reply = Completion | Likelihood | Refusal


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that was sent to a server for `key` (empty: the start probe), whether or not it was answered.

    `outcome` is "answered" or the kind of the failure; `kept`: its answer became a reply. Tokens as the server counted
    them; with `estimated` they are our own count, since the server gave none. `started_at`: seconds since the epoch.
    """

    key: str
    url: str
    started_at: float
    seconds: float
    outcome: str
    kept: bool
    status: int | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_written_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    message: str = ""


# --- what it was worth ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is None only with a failure that is ours. `answer` is what extraction read out of the completion."""

    scorer: str
    value: float | None
    answer: str | None = None
    explanation: str = ""
    failure: Failure | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the rule that only our own faults leave a sample unscored."""
        if self.value is None and (self.failure is None or not self.failure.ours):
            raise ValueError("a score without a value needs a failure that is ours")


@dataclass(frozen=True, slots=True)
class Record:
    """One sample, one repeat: its request, completion and scores. One line of the journal."""

    schema: int
    run_id: str
    request: Request
    reply: Reply
    scores: tuple[Score, ...]
    group: str | None = None
    finished_at: float = 0.0
