"""Requests of the OpenAI protocol: /completions and /chat/completions, as its many servers take them.

Everything that decides an answer is sent, since each server has defaults of its own. One prompt and one answer a
request: servers count the tokens of several wrongly.
"""

from __future__ import annotations

from typing import Any

from harness.datatypes import ChatPrompt, Sampling
from harness.engines.endpoint.wire import (
    Call,
    ChoiceCall,
    Dialect,
    GenerateCall,
    HttpCall,
    ScoreCall,
    TokenPrompt,
)
from harness.engines.endpoint.wires.extra_body import merge_extra
from harness.errors import ConfigError

COMPLETIONS = "/completions"
CHAT = "/chat/completions"
# OpenAI and vLLM take 64 bits with a sign; llama.cpp takes 32 without one and reads all ones as "random"
SEEDS = 2**31
GREEDY = Sampling(max_tokens=1)


def write_call(call: Call, model: str, dialect: Dialect) -> HttpCall:
    """Return the request of a call. Raises ConfigError for what cannot be expressed, or contradicts `extra_body`."""
    if isinstance(call, ScoreCall):
        return _post(COMPLETIONS, _score(call, model, dialect), dialect)
    if isinstance(call, ChoiceCall):
        return _post(COMPLETIONS, _choice(call, model, dialect), dialect)
    if isinstance(call.prompt, ChatPrompt):
        return _post(CHAT, _chat(call, call.prompt, model, dialect), dialect, dict(call.prompt.template_options))
    prompt = list(call.prompt.ids) if isinstance(call.prompt, TokenPrompt) else call.prompt.text
    body = {"model": model, "prompt": prompt, **_settings(call, dialect, "max_tokens")}
    if call.logprobs or call.top:
        # 0 means none to some servers
        body["logprobs"] = max(1, call.top)
        if dialect.scoring != "none":
            body["return_tokens_as_token_ids"] = True
    return _post(COMPLETIONS, body, dialect)


def sampler_fields(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """Return the fields beyond temperature and top_p, switched off unless they are set.

    Raises ConfigError for a top_k that the server does not take.
    """
    fields = dict(dialect.sampler)
    if sampling.top_k:
        if "top_k" not in dialect.sampler:
            raise ConfigError(f"sampling.top_k {sampling.top_k}: the server does not take top_k; set it to 0")
        fields["top_k"] = sampling.top_k
    return fields


def _post(path: str, body: dict[str, Any], dialect: Dialect, of_task: dict[str, Any] | None = None) -> HttpCall:
    """`of_task`: variables of the chat template that the task sets; None on a route without one."""
    options = {} if of_task is None else dialect.template_options
    return HttpCall(path, merge_extra(body, dialect.extra, options, of_task), bool(body.get("stream")))


def _chat(call: GenerateCall, prompt: ChatPrompt, model: str, dialect: Dialect) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
    body: dict[str, Any] = {"model": model, "messages": messages, **_settings(call, dialect, dialect.max_tokens)}
    if prompt.prefill:
        messages.append({"role": "assistant", "content": prompt.prefill})
        if dialect.continue_flags:
            body.update(continue_final_message=True, add_generation_prompt=False)
    if call.logprobs or call.top:
        body["logprobs"] = True
        if call.top:
            body["top_logprobs"] = call.top
    return body


def _settings(call: GenerateCall, dialect: Dialect, length: str) -> dict[str, Any]:
    """How to decode. /completions knows `max_tokens` only, whatever the spelling on the chat route."""
    body = _sampler(call.sampling, dialect)
    body[length] = call.sampling.max_tokens
    if dialect.seed and call.seed is not None:
        body["seed"] = call.seed % SEEDS
    stops = [stop for stop in call.stop if stop][: dialect.stops]
    if stops:
        body["stop"] = stops
    body["stream"] = dialect.stream
    if dialect.stream and dialect.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if dialect.token_ids_back:
        body["return_token_ids"] = True
    return body


def _sampler(sampling: Sampling, dialect: Dialect) -> dict[str, Any]:
    """A server that takes no temperature but its own takes no top_p either."""
    own: dict[str, Any] = {}
    if dialect.temperature:
        own["temperature"] = sampling.temperature
        if dialect.top_p or sampling.top_p != 1.0:
            own["top_p"] = sampling.top_p
    return {**own, **sampler_fields(sampling, dialect)}


def _score(call: ScoreCall, model: str, dialect: Dialect) -> dict[str, Any]:
    """One token is generated too: 0 is refused by some servers, and counted as 1 by others."""
    if dialect.scoring == "none":
        raise ConfigError("this server returns no log-probabilities of prompt tokens")
    body = {
        "model": model,
        "prompt": list(call.ids),
        **_sampler(GREEDY, dialect),
        "max_tokens": 1,
        "stream": False,
    }
    if dialect.scoring == "echo":
        return {**body, "echo": True, "logprobs": 1, "return_tokens_as_token_ids": True}
    # The likeliest token comes along, by which vLLM gives rank 1 to one token only where two are equally likely
    body["prompt_logprobs"] = 1
    if dialect.token_ids_back:
        body["return_token_ids"] = True
    return body


def _choice(call: ChoiceCall, model: str, dialect: Dialect) -> dict[str, Any]:
    if not dialect.choice_ids:
        raise ConfigError("this server returns no log-probabilities of named tokens (logprob_token_ids)")
    body = {
        "model": model,
        "prompt": list(call.ids),
        **_sampler(GREEDY, dialect),
        "max_tokens": 1,
        "stream": False,
        "logprobs": 1,
        "logprob_token_ids": list(call.options),
        "return_tokens_as_token_ids": True,
    }
    if dialect.token_ids_back:
        body["return_token_ids"] = True
    return body
