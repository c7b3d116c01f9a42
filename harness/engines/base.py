"""What every engine is: something that says what it will do, loads, and answers a stream of requests.

An engine is built cheaply (tokenizer and config, no weights), so that prompts can be measured and a bad
set-up refused before anything heavy happens. It owns its tokenizer and with it the chat template.

Guarantees expected of each: every request gets exactly one reply with its key; replies leave as they finish,
in any order; the text of a reply does not depend on which other requests stand in the stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from harness.datatypes import GenerateRequest, Reply, Request, Style
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Which model, as the user named it; an engine resolves the rest (`auto` dtype, device, style)."""

    path: str
    name: str = ""
    revision: str | None = None
    style: Style | str = "auto"
    dtype: str = "auto"
    device: str = "auto"
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the manifest says of an engine. Complete after `load`; before it, what is known without weights.

    `digests` identify weights, tokenizer and template; `generation` are the settings in force for every
    request; `end_tokens` the texts of the tokens that end an answer; `context_window` in tokens; `weights_bytes` and
    `kv_bytes_per_token` (of one row's cache) in the dtype that is used.
    """

    engine: str
    model: str
    style: Style
    revision: str | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    context_window: int | None = None
    device: str | None = None
    dtype: str | None = None
    parameters: int | None = None
    weights_bytes: int | None = None
    kv_bytes_per_token: int | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)
    end_tokens: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptSize:
    """What a request costs before it runs: prompt tokens, tokens cut to fit, most new tokens."""

    prompt_tokens: int | None
    dropped_tokens: int
    max_new_tokens: int
    rendered: str


class Engine(Protocol):
    """One source of replies.

    `answers_by`: "prompt" if a reply depends on the request's prompt and settings alone, so that equal requests of
    several tasks may share one; "task" if it depends on which task or sample asks. An engine without it gets every
    request.
    """

    answers_by: Literal["prompt", "task"]

    def facts(self) -> EngineFacts:
        """Say what is known of the model and of how it will be run."""

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what cannot be answered as asked, before anything heavy. Raises ConfigError.

        `requests` are all of the run's, those answered by an earlier try too.
        """

    def measure(self, request: Request) -> PromptSize:
        """Render and count a request's prompt, without weights. Raises EngineError if that fails."""

    def load(self) -> None:
        """Load what `stream` needs. Raises EngineError or HubError with one clear line."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        """Answer each request once, as soon as its answer is there."""

    def close(self) -> None:
        """Give back memory and processes; safe to call twice."""


@runtime_checkable
class HoldsAnswers(Protocol):
    """An engine whose answers were made before; with `only_answered` a run has only the samples that it answers."""

    only_answered: bool

    def held(self, task: str, sample_id: str) -> int:
        """Return how many answers to a sample there are."""


def refuse_greedy_repeats(requests: Sequence[Request]) -> None:
    """Raise ConfigError where a model would be asked the same thing again, to give the same answer."""
    for request in requests:
        if isinstance(request, GenerateRequest) and request.repeat > 0 and request.sampling.temperature == 0:
            raise ConfigError(
                f"the task {request.task!r} repeats a greedy question, and all answers would be the same: "
                f"set tasks.{request.task}.sampling.temperature above 0, or repeats to 1"
            )
