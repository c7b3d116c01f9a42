"""What a run needs of its server, by its requests, and what no probe is needed to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.datatypes import ChatPrompt, GenerateRequest, Request
from harness.engines.endpoint.probe.needs import ProbeNeeds
from harness.engines.endpoint.wire import PromptWay
from harness.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Features:
    """What the protocol of an engine can carry.

    `completions`: plain text and token ids; `logprobs`: of new tokens; `seeds`: a request may have a seed;
    `no_template_options`: where variables of the chat template have no field, what a user can set instead.
    """

    completions: bool
    logprobs: bool
    seeds: bool
    no_template_options: str = ""


def needs_of(requests: Sequence[Request], way: PromptWay, ids: tuple[int, ...] = ()) -> ProbeNeeds:
    """Collect what the requests need, prompted in this way; `ids` are the probe's prompt for `exact`."""
    first: dict[str, str] = {}
    stops = 0
    options: tuple[tuple[str, Any], ...] = ()
    for request in requests:
        if not isinstance(request, GenerateRequest):
            first.setdefault("likelihoods", request.task)
            continue
        sampling = request.sampling
        stops = max(stops, sum(bool(one) for one in sampling.stop))
        first.setdefault("sampled" if sampling.temperature > 0 else "greedy", request.task)
        if sampling.temperature > 0 and (sampling.temperature, sampling.top_p) != (1.0, 1.0):
            first.setdefault("tempered", request.task)
        if sampling.top_k and sampling.temperature > 0:
            first.setdefault("top_k", request.task)
        if isinstance(request.prompt, ChatPrompt) and request.prompt.prefill:
            first.setdefault("prefill", request.task)
        if sampling.logprobs:
            first.setdefault("logprobs", request.task)
        if way == "chat" and isinstance(request.prompt, ChatPrompt) and request.prompt.template_options:
            first.setdefault("template_options", request.task)
            options = options or request.prompt.template_options
    return ProbeNeeds(way, ids, stops=stops, options=options, **first)


def refuse_by_options(requests: Sequence[Request], way: PromptWay, features: Features) -> None:
    """Raise ConfigError for the first request that no server of the protocol could answer, prompted in this way."""
    for request in requests:
        if not isinstance(request, GenerateRequest):
            if way != "exact":
                raise ConfigError(_likelihood_refusal(request.task, way))
        elif way == "chat" and not isinstance(request.prompt, ChatPrompt):
            raise ConfigError(
                f"the task {request.task!r} has a plain-text prompt, and the server is prompted with messages: "
                "leave the task out, or "
                + ("" if features.completions else "use the engine openai and ")
                + "set engine.tokenizer to the model's tokenizer or engine.prompts to text"
            )
        elif way == "text" and isinstance(request.prompt, ChatPrompt):
            raise ConfigError(
                f"the task {request.task!r} has a chat prompt, and the server is prompted with plain text: "
                "set engine.prompts to chat, or leave the task out"
            )
        elif way == "chat" and features.no_template_options and _template_options(request):
            raise ConfigError(
                f"the task {request.task!r} sets variables of the chat template ({_template_options(request)}), which "
                f"this server's protocol has no field for: set tasks.{request.task}.prompt.chat.template_options to "
                f"{{}} and, for the same effect, {features.no_template_options}"
            )
        elif request.sampling.max_reasoning_tokens is not None:
            raise ConfigError(
                f"the task {request.task!r} has a budget for reasoning, which a server has to apply itself: set "
                f"tasks.{request.task}.sampling.max_reasoning_tokens to null, and engine.extra_body to the server's "
                "own field for it (Anthropic's is {thinking: {type: enabled, budget_tokens: 4096}})"
            )
        elif request.sampling.logprobs and not features.logprobs:
            raise ConfigError(
                f"the task {request.task!r} keeps log-probabilities, which this protocol does not return: "
                f"set tasks.{request.task}.sampling.logprobs to false"
            )


def _template_options(request: GenerateRequest) -> str:
    """The names of the variables that a task sets, empty where it sets none."""
    options = request.prompt.template_options if isinstance(request.prompt, ChatPrompt) else ()
    return ", ".join(name for name, _ in options)


def _likelihood_refusal(task: str, way: PromptWay) -> str:
    return (
        f"the task {task!r} needs log-likelihoods. They need token ids and the server's log-probabilities of prompt "
        f"tokens: set engine.tokenizer to the model's tokenizer (a folder or a hub id), with a server that "
        f"returns them (vLLM does, APIs for chat do not); engine.prompts is {way!r} now"
    )
